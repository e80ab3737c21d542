import { SESSION_ID } from '../protocol/index.js';

/** Characters of a node id, with which every session id of the node begins. */
export const NODE_ID_CHARACTERS = 8;

const NODE_ID = /^[A-Za-z0-9_-]{8}$/;

/** Whether a text is a node id as `NodeIdentity` makes it. Anything else may not be a valid NATS subject. */
export function isNodeId(text: string): boolean {
  return NODE_ID.test(text);
}

/** Returns the node id in a session id; `undefined` for a text that is no session id. */
export function nodeIdOf(sessionId: string): string | undefined {
  return SESSION_ID.test(sessionId) ? sessionId.slice(0, NODE_ID_CHARACTERS) : undefined;
}
