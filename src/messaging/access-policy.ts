import type { Session } from '../sessions/session.js';

/**
 * Answers whether a session may send: `true` and `false` for this message alone, `'always'` and `'never'` for all messages of
 * this session to this receiver, whatever their type. The latter are remembered, see `RememberedAnswers`.
 */
export type SendVerdict = boolean | 'always' | 'never';

/**
 * Decides what sessions may do. Extend the class and provide it in any module of the application:
 * `{ provide: AccessPolicy, useClass: YourPolicy }`. Messages of server code are not checked.
 *
 * What a policy has no method for is decided by the claim `switchboard` of the token, and without that claim by the settings
 * `ROOMS` and `USERS`.
 */
export abstract class AccessPolicy {
  /**
   * Decides whether a session may send a message that no handler claims. Called before the message has any effect: once for
   * each message, but not again where the answer is remembered. Must be synchronous and quick, because the socket waits.
   *
   * @param receiver the id of a session, connected or not; `"*"`; `"@USER"`; or `"#ROOM"`, of which the session may be no
   *   member
   * @returns `false` and `'never'` refuse the message with `forbidden`. An exception refuses the message like one of a
   *   handler. Any other value, a promise included, refuses the message with `internal_error`.
   */
  abstract maySend(session: Session, receiver: string, type: string): SendVerdict;

  /**
   * Decides whether a session may join a room by `sys.join`. Called for each request, and for each room of the session once
   * its token has been renewed: the session leaves where the answer is no, or fails. Server code may put any session into
   * any room without this call.
   *
   * @param room the name, without `#`
   * @returns `false` is answered `forbidden`. A promise must settle within `HANDLER_TIMEOUT_MS`. Errors as {@link maySend}.
   */
  mayJoin?(session: Session, room: string): boolean | Promise<boolean>;

  /**
   * Decides whether a session may list the members of a room, or list and watch the sessions of a user.
   *
   * @param target `"#ROOM"` or `"@USER"`
   * @returns as {@link mayJoin}
   */
  maySee?(session: Session, target: string): boolean | Promise<boolean>;

  /**
   * Decides whether a session that is no member of a room may send to the room. Called after {@link maySend} has allowed the
   * message. Must be synchronous and quick.
   *
   * @param room the name, without `#`
   * @returns `false`, which is also the answer without this method, refuses the message with `not_joined`. Errors as
   *   {@link maySend}.
   */
  maySendFromOutside?(session: Session, room: string, type: string): boolean;
}
