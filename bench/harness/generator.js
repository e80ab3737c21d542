import { spawnSync } from 'node:child_process';
import { benchDir, generator } from './paths.js';

const SOURCE = `${benchDir}load/wsload.c`;
const WITH_TLS = ['-lssl', '-lcrypto'];

/**
 * Compiles the generator, without TLS where the headers of OpenSSL are missing.
 *
 * @returns {boolean} whether the generator speaks TLS (`--tls`)
 * @throws with the output of gcc
 */
export function compileGenerator() {
  const tls = hasHeader('openssl/ssl.h');
  const { status, stderr, error } = gcc(['-o', generator, SOURCE, '-lm', ...(tls ? WITH_TLS : ['-DWITHOUT_TLS'])]);
  if (status !== 0) throw new Error(`gcc cannot compile ${SOURCE}\n${error?.message ?? stderr}`);
  return tls;
}

function hasHeader(name) {
  return gcc(['-E', '-x', 'c', '-o', '/dev/null', '-'], `#include <${name}>`).status === 0;
}

function gcc(args, input = '') {
  return spawnSync('gcc', ['-O2', ...args], { input, encoding: 'utf8' });
}
