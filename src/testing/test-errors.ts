/** Reports that a message is answered with `sys.error`. */
export class RequestError extends Error {
  override readonly name = 'RequestError';

  /**
   * @param code the code of the `sys.error`
   * @param data the whole data of the `sys.error`
   */
  constructor(
    type: string,
    readonly code: string,
    readonly data: Readonly<Record<string, unknown>>,
  ) {
    super(`${type} was answered ${code}: ${String(data['message'])}`);
  }
}

/** Reports that the server rejects a connection before the upgrade. */
export class HandshakeError extends Error {
  override readonly name = 'HandshakeError';

  /**
   * @param status the status of the HTTP response
   * @param code the code in its body, such as `forbidden`
   */
  constructor(
    readonly status: number,
    readonly code: string,
    text: string,
  ) {
    super(`the server rejected the connection with ${status} ${code}: ${text}`);
  }
}
