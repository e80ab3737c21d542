import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { cacheDir } from './paths.js';
import { switchboard } from './servers.js';

const secret = 'the secret of the benchmark, which is not one';
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const keyFile = `${cacheDir}jwks.json`;
const expiresAt = Math.floor(Date.now() / 1000) + 86_400;

const base64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Makes a token (RFC 7519). @param {string} alg @param {(text: string) => Buffer} signature */
function token(alg, signature) {
  const text = `${base64({ alg, typ: 'JWT' })}.${base64({ sub: 'ann', exp: expiresAt })}`;
  return `${text}.${signature(text).toString('base64url')}`;
}

const hs256 = token('HS256', (text) => createHmac('sha256', secret).update(text).digest());
const es256 = token('ES256', (text) => sign('sha256', text, { key: privateKey, dsaEncoding: 'ieee-p1363' }));

/** Switchboard with a token that each handshake verifies; no result of a verification is kept. */
function withToken(name, value, env) {
  return switchboard({
    name: `switchboard-${name.toLowerCase()}`,
    title: `Switchboard, ${name} token`,
    load: ['--path', '/wss', '--header', `Authorization: Bearer ${value}`],
    env: { AUTH: 'required', MAX_CONNECTIONS_PER_USER: '0', ...env },
  });
}

const withEs256 = withToken('ES256', es256, { AUTH_JWKS: keyFile });

/** Switchboard with tokens signed by a secret and by a key of a file. @type {import('./servers.js').Server[]} */
export const tokenServers = [
  withToken('HS256', hs256, { AUTH_SECRET: secret }),
  {
    ...withEs256,
    start: (context) => {
      writeFileSync(keyFile, JSON.stringify({ keys: [createPublicKey(privateKey).export({ format: 'jwk' })] }));
      return withEs256.start(context);
    },
  },
];
