import { createServer } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Loaded into a server by `--import`: answers each connection to the Unix socket `MEMORY_PROBE` with the bytes that the
 * process holds once the garbage is collected.
 */
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

createServer((socket) => {
  socket.on('error', () => undefined);
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  socket.end(JSON.stringify({ heldBytes: heapUsed + external }));
})
  .listen(process.env['MEMORY_PROBE'])
  .unref();
