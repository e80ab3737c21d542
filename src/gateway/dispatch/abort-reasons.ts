/** Returns the reason with which the signals of a session's calls are aborted when the session leaves. */
export function sessionLeft(): DOMException {
  return new DOMException('the session has left', 'AbortError');
}

/** Returns the reason with which the signal of a call is aborted that takes too long. */
export function timedOut(message: string): DOMException {
  return new DOMException(message, 'TimeoutError');
}

/** Returns whether an error only says that the signal of its call was aborted. */
export function isAbortOf(signal: unknown, error: unknown): boolean {
  if (!(signal instanceof AbortSignal) || !signal.aborted) return false;
  if (error === signal.reason) return true;
  // Node's own functions throw an AbortError of their own for any reason.
  return error instanceof Error && (error.cause === signal.reason || error.name === 'AbortError');
}
