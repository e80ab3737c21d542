import type { Session } from '../sessions/session.js';

/**
 * Decides what sessions may do. Extend the class and provide it in any module of the application:
 * `{ provide: AccessPolicy, useClass: YourPolicy }`. Without such a provider the settings alone decide.
 */
export abstract class AccessPolicy {
  /**
   * Decides whether a session may send a message that no handler claims. Called once for each such message, before the
   * message has any effect. Must be synchronous and quick, because the socket waits.
   *
   * @param receiver the id of a session, connected or not, or `"*"`
   * @returns `false` refuses the message with `forbidden`. An exception refuses the message like one of a handler. Any
   *   other value, a promise included, refuses the message with `internal_error`.
   */
  abstract maySend(session: Session, receiver: string, type: string): boolean;
}
