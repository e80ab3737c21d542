import type { Attack } from '../attacker.js';
import { many } from './many.js';

const CONNECTIONS = 10;
const REQUESTS = 2000;
const SLOW_CONNECTIONS = 20;
const SLOW_REQUESTS = 200;

function get(path: string): Buffer {
  return Buffer.from(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
}

/** Pipelines requests for a path that does not exist on a few connections. */
export const pipelinedRequests: Attack = async (attacker) => {
  await Promise.all(Array.from({ length: CONNECTIONS }, () => attacker.open(many(REQUESTS, get('/nothing')))));
  await attacker.exchanges(60);
};

/** Pipelines requests for a large document, and reads none of the responses. */
export const slowReaders: Attack = async (attacker) => {
  const requests = many(SLOW_REQUESTS, get('/asyncapi.json'));
  const connections = Array.from({ length: SLOW_CONNECTIONS * attacker.force }, async () => {
    const enemy = await attacker.open('');
    enemy.socket.pause();
    enemy.socket.write(requests);
  });
  await Promise.all(connections);
  await attacker.exchanges(80);
};
