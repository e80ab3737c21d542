import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { connect } from '../support/client.js';
import { ServerProcess } from '../support/process.js';

const OWN_MAIN = fileURLToPath(new URL('own-main.js', import.meta.url));
/** The lines of the log from the signal to the end. */
const IN_ORDER = [
  'draining',
  'departure recorded',
  'drained',
  'onModuleDestroy',
  'beforeApplicationShutdown',
  'onApplicationShutdown',
];

describe('an application with a main file of its own', () => {
  let server: ServerProcess | undefined;
  afterEach(() => server?.kill());

  const begin = async (stop: string, variables: Record<string, string> = {}): Promise<ServerProcess> =>
    (server = await ServerProcess.start({ STOP: stop, ...variables }, { main: OWN_MAIN }));
  const logOf = ({ lines }: ServerProcess): string[] =>
    lines
      .filter(({ level, message }) => level === 'warn' || level === 'error' || message.startsWith('drain'))
      .map(({ message }) => message);

  it.each([
    ['drainOnSignals', 'drain start', 'SIGTERM'],
    ['enableShutdownHooks', 'hooks start', 'SIGTERM'],
    ['enableShutdownHooks', 'hooks start', 'SIGINT'],
    ['enableShutdownHooks', 'hooks start', 'SIGHUP'],
    ['enableShutdownHooks with useProcessExit', 'exit start', 'SIGTERM'],
    ['enableShutdownHooks before drainOnSignals', 'hooks drain start', 'SIGTERM'],
    ['enableShutdownHooks after drainOnSignals', 'drain hooks start', 'SIGINT'],
    ['enableShutdownHooks after the start', 'drain start hooks', 'SIGTERM'],
    ['enableShutdownHooks with useProcessExit before drainOnSignals', 'exit drain start', 'SIGTERM'],
    ['enableShutdownHooks with useProcessExit off beside drainOnSignals', 'reraise drain start', 'SIGTERM'],
  ] as const)('drains once, calls each hook once, and exits with 0 after %s (%s, %s)', async (_, stop, signal) => {
    const { url } = await begin(stop);
    const [ann, bob] = [await connect(url), await connect(url)];
    ann.send({ type: 'slow', id: '1' });
    await server!.logged('handler began');
    server!.signal(signal);
    await Promise.all([ann.next('sys.reconnect'), bob.next('sys.reconnect')]);
    expect(await ann.next('slow')).toMatchObject({ ref: '1', data: 'done' });
    expect([await ann.closed, await bob.closed].map(({ code }) => code)).toEqual([1012, 1012]);
    expect(await server!.ended).toEqual({ code: 0, signal: null });
    const log = logOf(server!).filter((message) => message !== 'handler began');
    expect(log).toEqual(IN_ORDER.flatMap((line) => (line === 'departure recorded' ? [line, line] : [line])));
    const signals = server!.lines.filter(({ message }) => message.endsWith('Shutdown')).map((line) => line['signal']);
    expect(signals).toEqual([signal, signal]);
  });

  it('drains in app.close() and then ends by itself with 0', async () => {
    const { url } = await begin('drain hooks start close');
    const ann = await connect(url);
    server!.signal('SIGUSR1');
    await ann.next('sys.reconnect');
    expect((await ann.closed).code).toBe(1012);
    expect(await server!.ended).toEqual({ code: 0, signal: null });
    expect(logOf(server!)).toEqual(IN_ORDER);
  });

  it('exits with 0 on a signal during app.close(), after the same drain', async () => {
    const { url } = await begin('drain start close');
    const ann = await connect(url);
    ann.send({ type: 'slow', id: '1' });
    await server!.logged('handler began');
    server!.signal('SIGUSR1');
    await server!.logged('draining');
    server!.signal('SIGTERM');
    expect(await ann.next('slow')).toMatchObject({ ref: '1', data: 'done' });
    expect(await server!.ended).toEqual({ code: 0, signal: null });
    expect(logOf(server!).slice(1)).toEqual(IN_ORDER);
  });

  it('exits at once on a second signal where both are used', async () => {
    const { url } = await begin('hooks drain start', { DRAIN_TIMEOUT_MS: '60000', STUCK: 'yes' });
    await connect(url);
    server!.signal('SIGTERM');
    await server!.logged('beforeApplicationShutdown');
    server!.signal('SIGINT');
    expect(await server!.ended).toEqual({ code: 130, signal: null });
    expect(logOf(server!)).toContain('second signal: exiting without draining');
  });

  it('exits with 0 in time although a hook of a provider does not end', async () => {
    const { url } = await begin('drain start', { DRAIN_TIMEOUT_MS: '1000', STUCK: 'yes' });
    const ann = await connect(url);
    server!.signal('SIGTERM');
    expect((await ann.closed).code).toBe(1012);
    expect(await server!.ended).toEqual({ code: 0, signal: null });
    expect(logOf(server!)).toContain('drain timed out: exiting');
  });
});
