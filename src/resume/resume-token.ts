import { NODE_ID_CHARACTERS, SESSION_RANDOM_CHARACTERS } from '../protocol/index.js';
import { SECRET_CHARACTERS } from './session-resumption.js';

const SESSION_CHARACTERS = NODE_ID_CHARACTERS + SESSION_RANDOM_CHARACTERS;
const TOKEN = new RegExp(`^[A-Za-z0-9_-]{${SESSION_CHARACTERS + SECRET_CHARACTERS}}$`);

/** Names a session and proves its ownership by a secret. */
export interface ResumeToken {
  readonly nodeId: string;
  readonly sessionId: string;
  readonly secret: string;
}

/** Makes the token of a session: the session id without its dot, and the secret. */
export function resumeToken(sessionId: string, secret: string): string {
  return sessionId.replace('.', '') + secret;
}

/** Reads a token; `undefined` for any other text. */
export function readResumeToken(text: string): ResumeToken | undefined {
  if (!TOKEN.test(text)) return undefined;
  const nodeId = text.slice(0, NODE_ID_CHARACTERS);
  const secret = text.slice(SESSION_CHARACTERS);
  return { nodeId, sessionId: `${nodeId}.${text.slice(NODE_ID_CHARACTERS, SESSION_CHARACTERS)}`, secret };
}
