import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { Clock } from '../cluster/clock.js';
import { RemoteDelivery } from '../messaging/remote-delivery.js';
import {
  MessageError,
  nodeIdOf,
  SERVER,
  SESSION_ID_CHARACTERS,
  undeliveredFrame,
  USER_PREFIX,
} from '../protocol/index.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import type { Session } from '../sessions/session.js';
import { Settings } from '../settings/settings.js';
import { Counters } from '../telemetry/counters.js';
import { resumptionOf, type SessionResumption } from './session-resumption.js';
import type { UnseenFrames } from './unseen-frames.js';

/** Bytes of unseen frames that are read in one turn. */
const BYTES_PER_TURN = 65_536;
/** Counted for each frame beside its payload, because a small frame costs more than its bytes. */
const BYTES_PER_FRAME = 64;

/** The beginning of each message of a client: the stamped sender. */
const SENDER_START = '{"sender":"';
const SENDER_END = SENDER_START.length + SESSION_ID_CHARACTERS;

/** A session that has ended, with the frames that its client has not seen. */
interface EndedSession {
  readonly id: string;
  readonly user: string | undefined;
  readonly unseen: UnseenFrames;
}

/** A message that its receiver has not seen: the session that sent it, and its reference. */
interface UnseenMessage {
  readonly sender: string;
  readonly ref: string;
}

/**
 * Sends `sys.undelivered` to the senders of messages that a resumable session was sent and has not seen when it ends. The
 * messages are read from the unseen frames, so that nothing is recorded before. Only messages to the session or its user
 * that had an `id` count, because no other one was acknowledged as `routed` or `held`.
 */
@Injectable()
export class UndeliveredReports implements BeforeApplicationShutdown {
  readonly #ended: EndedSession[] = [];
  readonly #maxWaitingBytes: number;
  #waitingBytes = 0;
  #isScheduled = false;

  constructor(
    private readonly registry: SessionRegistry,
    private readonly remoteDelivery: RemoteDelivery,
    private readonly clock: Clock,
    private readonly counters: Counters,
    { resumeBudgetBytes }: Settings,
  ) {
    this.#maxWaitingBytes = resumeBudgetBytes;
    registry.addListener('away', { closed: (session) => this.#add(session) });
  }

  /** Sends the reports that wait, while other nodes can still be reached. */
  beforeApplicationShutdown(): void {
    while (this.#ended.length > 0) this.#readTurn();
  }

  #add(session: Session): void {
    const { outbox, connection } = session;
    const resumption = resumptionOf(session);
    if (resumption === undefined) return;
    if (connection === undefined) outbox.discard(); // frames that wait become unseen
    this.#take(session, resumption);
    if (connection === undefined) return;
    // The last frames of a connected session are still being written.
    this.clock.atEndOfTurn(() => {
      outbox.discard();
      this.#take(session, resumption);
    });
  }

  /** Takes the unseen frames of a session out of its replay buffer, and so out of the budget of all sessions. */
  #take({ id, user }: Session, { replay }: SessionResumption): void {
    const unseen = replay.release();
    if (unseen.bytes === 0) return;
    this.#ended.push({ id, user, unseen });
    this.#waitingBytes += unseen.bytes;
    this.#schedule();
    while (this.#waitingBytes > this.#maxWaitingBytes) this.#readTurn();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.clock.atEndOfTurn(() => {
      this.#isScheduled = false;
      try {
        this.#readTurn();
      } finally {
        if (this.#ended.length > 0) this.#schedule();
      }
    });
  }

  /** Reads the share of one turn of the frames that wait. */
  #readTurn(): void {
    let bytes = 0;
    while (bytes < BYTES_PER_TURN) {
      const [session] = this.#ended;
      if (session === undefined) return;
      const before = session.unseen.bytes;
      const payload = session.unseen.next();
      this.#waitingBytes -= before - session.unseen.bytes;
      if (payload === undefined) this.#ended.shift();
      else {
        bytes += payload.length + BYTES_PER_FRAME;
        this.#report(session, payload);
      }
    }
  }

  #report(ended: EndedSession, payload: Buffer): void {
    const message = acknowledgedMessage(payload, ended);
    if (message === undefined) return;
    this.counters.undelivered++;
    const { sender, ref } = message;
    const report = undeliveredFrame(sender, ref, ended.id);
    const local = this.registry.find(sender);
    if (local !== undefined) return local.send(report);
    try {
      void this.remoteDelivery.deliver(SERVER, sender, report); // the outcome changes nothing
    } catch (error) {
      if (!(error instanceof MessageError)) throw error; // the sender has left, or its node cannot be reached
    }
  }
}

/** Reads a message that was acknowledged as one to this session, or to its user; `undefined` for any other frame. */
function acknowledgedMessage(payload: Buffer, { id: receiverId, user }: EndedSession): UnseenMessage | undefined {
  if (payload.toString('latin1', 0, SENDER_START.length) !== SENDER_START) return undefined;
  const sender = payload.toString('latin1', SENDER_START.length, SENDER_END);
  if (nodeIdOf(sender) === undefined) return undefined;
  const { receiver, id } = JSON.parse(payload.toString()) as Readonly<Record<string, unknown>>;
  const isOwn = receiver === receiverId || (user !== undefined && receiver === USER_PREFIX + user);
  return isOwn && typeof id === 'string' ? { sender, ref: id } : undefined;
}
