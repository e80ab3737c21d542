import { Emitter } from './emitter.js';

/** A message that failed: sent by {@link Client.send}, `request`, `stream`, `post`, `join` or by the client itself. */
export interface FailedMessage {
  /** A {@link SendError}, the error of `JSON.stringify`, or a `TypeError` for what `token()` returned. */
  readonly error: Error;
  readonly type: string;
  readonly receiver: string | undefined;
}

/** Reports failed messages to the listeners of `onError`. */
export class Failures extends Emitter<FailedMessage> {
  /** Returns the outcome of a message, marked as handled, because a promise nobody awaits must not end a Node process. */
  reporting<Outcome>(type: string, outcome: Promise<Outcome>, receiver?: string): Promise<Outcome> {
    outcome.catch((error: Error) => this.report(error, type, receiver));
    return outcome;
  }

  report(error: Error, type: string, receiver?: string): void {
    this.emit('', { error, type, receiver });
  }
}
