import { execFileSync } from 'node:child_process';
import { cacheDir, projectDir } from './paths.js';

/** The folder of a local authority and a certificate for localhost. */
export const certificatesDir = `${cacheDir}tls`;

/**
 * Lets a server end TLS itself, with the certificate that nginx has in other scenarios.
 *
 * @param {import('./servers.js').Server} server that reads TLS_CERT_FILE and TLS_KEY_FILE
 * @returns {import('./servers.js').Server}
 */
export function withTls(server) {
  const start = ({ node, env }) => server.start({ node, env: { ...env, ...makeCertificate() } });
  const ofBuild = server.ofBuild && ((root) => withTls(server.ofBuild(root)));
  return { ...server, load: [...(server.load ?? []), '--tls'], start, ofBuild };
}

/** Makes the certificate unless there is one. */
function makeCertificate() {
  execFileSync('sh', [`${projectDir}nginx/make-certs.sh`, '--out', certificatesDir]);
  return { TLS_CERT_FILE: `${certificatesDir}/server.crt`, TLS_KEY_FILE: `${certificatesDir}/server.key` };
}
