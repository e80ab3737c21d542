/** What applications import: `import { MessagingGateway } from 'switchboard'`. All else may change without notice. */
export { createApp, startApp, type AppParts } from './app.js';
export { Claims, CertificateSubject, User } from './gateway/identity.decorators.js';
export { MessagingGateway } from './gateway/messaging-gateway.decorator.js';
export { Sender, sessionOf } from './gateway/sender.decorator.js';
export type { OnSessionArrival, OnSessionDeparture } from './gateway/session-hooks.js';
export { Switchboard, type ListedSessions } from './messaging/switchboard.js';
export { endOnSignals, outliveRejections } from './ops/signals.js';
export { Describe, EVERYONE, Fault, SERVER, type ServerCloseCode } from './protocol/index.js';
export { SessionState } from './sessions/session-state.js';
export { Session } from './sessions/session.js';
export { SettingsError, type Variables } from './settings/environment.js';
