/** The public API: `import { MessagingGateway } from 'switchboard'`. All other files may change without notice. */
export { createApp, startApp, type AppOptions } from './standalone/app.js';
/** @deprecated Use {@link AppOptions}. */
export type { AppOptions as AppParts } from './standalone/app.js';
export {
  ConnectGuard,
  type ConnectAttempt,
  type ConnectIdentity,
  type ConnectRefusal,
  type ConnectVerdict,
} from './gateway/handshake/connect-guard.js';
export { MessagingGateway } from './gateway/nest/messaging-gateway.decorator.js';
export { RawData } from './gateway/nest/raw-data.decorator.js';
export {
  Abort,
  CertificateSubject,
  Claims,
  Receiver,
  Sender,
  sessionOf,
  User,
} from './gateway/nest/session.decorators.js';
export type { OnSessionAway, OnSessionBack, SessionReturn } from './gateway/nest/resume-hooks.js';
export type { OnRoomJoined, OnRoomLeft } from './gateway/nest/room-hooks.js';
export type { OnSessionArrival, OnSessionDeparture } from './gateway/nest/session-hooks.js';
export type { RoomPage } from './groups/room-index.js';
export { Rooms } from './groups/rooms.js';
export { Users } from './groups/users.js';
export { AccessPolicy, type SendVerdict } from './messaging/access-policy.js';
export { Emits } from './messaging/emits.js';
export type { GroupReceipt } from './cluster/backplane.js';
export type { DescribedSession, DescribedSessions } from './messaging/cluster-sessions.js';
export type { PageRequest } from './messaging/page-request.js';
export { RememberedAnswers } from './messaging/remembered-answers.js';
export { Switchboard, type GroupReceiver, type ListedSessions } from './messaging/switchboard.js';
export { SwitchboardAdapter, type SwitchboardAdapterOptions } from './module/switchboard.adapter.js';
export { SwitchboardModule, type SwitchboardAsyncOptions } from './module/switchboard.module.js';
export { drainOnSignals, logUnhandledRejections } from './standalone/signals.js';
/** @deprecated Use {@link drainOnSignals} and {@link logUnhandledRejections}. */
export { drainOnSignals as endOnSignals, logUnhandledRejections as outliveRejections } from './standalone/signals.js';
export { Describe, EVERYONE, MessageError, SERVER, type ServerCloseCode } from './protocol/index.js';
/** @deprecated Use {@link MessageError}. */
export { MessageError as Fault } from './protocol/index.js';
export type { SessionDetails } from './sessions/session-details.js';
export type { IdPage } from './sessions/sorted-ids.js';
export { SessionState } from './sessions/session-state.js';
export { Session } from './sessions/session.js';
export type { EnvironmentUse, SwitchboardOptions } from './settings/library-options.js';
export { SettingsError, type Variables } from './settings/environment.js';
export { StartError } from './settings/start-error.js';
