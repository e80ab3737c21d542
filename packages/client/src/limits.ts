// Every bound and default of the client. The build puts the numbers where they are used.

/** Longer than a handler of the server may take by default, so that its error arrives in place of a `timeout`. */
export const TIMEOUT_MS = 15_000;
/** Messages that may wait. */
export const QUEUE_SIZE = 256;
/** Requests that may be sent and unanswered at a time; further requests wait in the queue. */
export const MAX_UNANSWERED = 256;
/** Answers of a stream that may wait to be read. */
export const STREAM_BUFFER = 1024;
/** Bytes that may wait in the socket; above, `post` drops messages, because a slow network would delay all others. */
export const MAX_POST_BUFFER = 65_536;
/** The wait before a room or a watch that failed in a new session is asked for again. */
export const RESTORE_RETRY_MS = 2000;
/** Sessions on one page of `sys.who`, and in a list of `who` and `members`. */
export const MAX_PAGE = 1000;
export const MAX_SESSIONS = 10_000;

/** Characters of sent frames that the server has not seen; above, requests wait in the queue. */
export const RESUME_BUFFER = 1_048_576;
/**
 * The most frames, characters and milliseconds after which received frames are reported as seen. The protocol allows 64 KiB,
 * and a character has at most three bytes.
 */
export const SEEN_FRAMES = 64;
export const SEEN_CHARACTERS = 20_000;
export const SEEN_MS = 5000;

/** Bounds of the first wait between two attempts, and of every wait. */
export const MIN_DELAY_MS = 1000;
export const MAX_DELAY_MS = 30_000;
/** A connection that lasted this long resets the back-off. */
export const STEADY_MS = 5000;

/** Heartbeats without a message; with one more the client probes the connection. */
export const PROBE_AFTER = 1;
/** Milliseconds for which each unanswered character puts a probe off: a link may carry 200 characters a second. */
export const MS_PER_CHARACTER = 5;
/** The most heartbeats by which unanswered characters put the probe after silence off. */
export const MAX_EXCUSED_HEARTBEATS = 8;
/** The wait for an answer to a probe after an event of the page, where nothing is unanswered; else it is a heartbeat. */
export const PROBE_MS = 5000;
/** The shortest time between two probes, so that a flood of a page's events is not a flood of handshakes. */
export const PROBE_GAP_MS = 1000;

/** Milliseconds between two readings of the clock. Where twice as much has passed, the device has slept. */
export const WAKE_CHECK_MS = 5000;

/** The part of a token's remaining lifetime after which it is renewed. */
export const RENEW_AT = 0.75;
/** Bounds of the wait where a renewal failed or the token seems to have expired; the wait doubles each time. */
export const MIN_RENEW_MS = 1000;
export const MAX_RENEW_MS = 300_000;
/** The longest delay that `setTimeout` accepts: 2³¹ − 1. */
export const MAX_TIMER_MS = 2_147_483_647;
/** A time in 1973. A smaller `expiresAt` is in seconds. */
export const MIN_EXPIRES_AT = 1e11;
