/** Bounds that are part of the contract and therefore no settings; bounds that an operator may move are in `settings/`. */

/** The protocol's version, told in every `sys.welcome`. */
export const PROTOCOL_VERSION = 1;
/** The subprotocol that is selected when a client offers it (RFC 6455, 1.9). */
export const SUBPROTOCOL = 'switchboard.v1';

export const MAX_TYPE_CHARACTERS = 64;
export const MAX_RECEIVER_CHARACTERS = 128;
export const MAX_ID_CHARACTERS = 64;

/** Words that begin with this belong to the server. */
export const RESERVED_PREFIX = 'sys.';
/** The sender of everything that the server says by itself. */
export const SERVER = 'server';
/** The receiver that means "everyone but the sender". */
export const EVERYONE = '*';

/** Sessions on one page of `sys.sessions`. */
export const DEFAULT_PAGE = 100;
export const MAX_PAGE = 1000;

/** Handled messages of one session that may wait while one runs; likewise observables that may still be answering. */
export const MAX_WAITING_CALLS = 64;
/** Arrays and objects inside one another in the `data` of a handled message; more of them are `invalid_message`. */
export const MAX_HANDLED_DEPTH = 64;
/** Fragments of one message (RFC 6455, 5.4); more of them close with 1008. */
export const MAX_FRAGMENTS = 64;
/** Milliseconds that a closing handshake may take before the socket is cut (contract: gone within 2 s). */
export const CLOSE_TIMEOUT_MS = 1500;
