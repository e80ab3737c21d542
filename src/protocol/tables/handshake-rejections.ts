/** Every code by which a handshake is rejected, with its HTTP status and general text. */
export const HANDSHAKE_REJECTIONS = {
  not_found: { status: 404, text: 'There is nothing at this path.' },
  method_not_allowed: { status: 405, text: 'Only GET is allowed here.' },
  upgrade_required: { status: 426, text: 'This path speaks WebSocket, version 13.' },
  bad_handshake: { status: 400, text: 'The upgrade request is malformed.' },
  handshake_timeout: { status: 408, text: 'The request was not complete in time.' },
  draining: { status: 503, text: 'This node is leaving.' },
  unavailable: { status: 503, text: 'This node cannot check the connection now.' },
  full: { status: 503, text: 'This node is at its limit.' },
  too_many_connections: { status: 429, text: 'Over the limit of connections for this address or user.' },
  origin_not_allowed: { status: 403, text: 'This origin is not allowed.' },
  /** `statuses` lists all that an application may choose from; `status` is the one where it names none. */
  refused: { status: 403, statuses: [401, 403, 429], text: 'The application has refused this connection.' },
  unauthorized: { status: 401, text: 'A token is required and is missing, bad or expired.' },
} as const;

export type HandshakeRejectionCode = keyof typeof HANDSHAKE_REJECTIONS;

/** Returns the JSON body of a rejection, `{"error":{"code","message"}}`. */
export function rejectionBody(code: HandshakeRejectionCode, message: string = HANDSHAKE_REJECTIONS[code].text): string {
  return JSON.stringify({ error: { code, message } });
}
