import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { SystemRequestHandler } from '../messaging/system-request-handler.js';
import { MessageError, SEEN_MS, type ServerRequest } from '../protocol/index.js';
import type { Session } from '../sessions/session.js';
import { resumptionOf, type SessionResumption } from './session-resumption.js';

/** Two ticks are within `SEEN_MS`, so that a report of either side is never late. */
const TICK_MS = SEEN_MS * 0.4;

/**
 * Exchanges the numbers of received text frames with clients that may come back: takes `sys.seen`, and sends it to those
 * whose frames no earlier report covers, within `SEEN_MS`.
 */
@Injectable()
export class SeenReports implements OnApplicationShutdown {
  /** Sessions that are reported to at the next tick, and at the one after it. */
  #due = new Set<SessionResumption>();
  #later = new Set<SessionResumption>();
  #timer: NodeJS.Timeout | undefined;

  constructor(systemRequests: SystemRequestHandler) {
    systemRequests.register('sys.seen', (session, request) => {
      this.#seen(session, request);
      return undefined;
    });
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  /** Queues a report. */
  add(resumption: SessionResumption): void {
    this.#later.add(resumption);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
  }

  /** @throws {MessageError} `reserved_type` for a session that cannot come back, else `invalid_message` */
  #seen(session: Session, { id, data }: ServerRequest): void {
    const resumption = resumptionOf(session);
    if (resumption === undefined) throw MessageError.of('reserved_type', id);
    resumption.previousSecret = undefined; // a frame on the new connection, like any other
    const frames = framesIn(data);
    if (frames === undefined)
      throw new MessageError('invalid_message', 'data must be an object with the one field frames, a whole number', id);
    if (++resumption.reports > resumption.replay.sent)
      throw new MessageError('invalid_message', 'sys.seen was sent more often than the server has sent frames', id);
    if (!resumption.replay.forget(frames, session.connection?.sink.writableLength === 0))
      throw new MessageError('invalid_message', 'data.frames is more than the server has sent', id);
    session.outbox.seen();
  }

  #tick(): void {
    const due = this.#due;
    this.#due = this.#later;
    this.#later = due;
    for (const resumption of due) resumption.report();
    due.clear();
    if (this.#due.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** How nearly all clients write the `data` of `sys.seen`. */
const PLAIN_DATA = /^\{"frames":([1-9]\d{0,14})\}$/;

/** Reads the `data` of `sys.seen`; `undefined` where it is anything but `{ "frames": number }`. */
function framesIn(data: string | undefined): number | undefined {
  const plain = data === undefined ? null : PLAIN_DATA.exec(data);
  if (plain !== null) return Number(plain[1]);
  const body: unknown = data === undefined ? undefined : JSON.parse(data);
  if (typeof body !== 'object' || body === null || !('frames' in body) || Object.keys(body).length > 1)
    return undefined;
  const { frames } = body;
  return typeof frames === 'number' && Number.isSafeInteger(frames) && frames >= 0 ? frames : undefined;
}
