import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FastFrameReader } from '../../src/gateway/frames/fast-frame-reader.js';
import type { GatewaySocket } from '../../src/gateway/gateway-socket.js';
import { OPCODE } from '../../src/protocol/index.js';
import { resumeToken } from '../../src/resume/resume-token.js';
import type { SessionResumption } from '../../src/resume/session-resumption.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import type { Session } from '../../src/sessions/session.js';
import { clientFrame, closeFrame, envelopeFrame } from '../support/client-frames.js';
import { connect, type Client } from '../support/client.js';
import { RawClient } from '../support/raw-client.js';
import { UPGRADE_HEADERS } from '../support/raw-http.js';
import { LANES, QUIET, sendTo } from '../support/resume.js';
import { startNode, type TestServer } from '../support/server.js';

/** The server reads less of a socket in one turn. */
const LATE_MESSAGES = 400;
const LATE_DATA = 'l'.repeat(1000);
/** More than the buffers of the system hold for one connection. */
const BIG_MESSAGES = 40;
const BIG_DATA = 'b'.repeat(1_000_000);

describe.each(LANES)('a socket whose client has come back on another one (FAST_LANE=%s)', (FAST_LANE) => {
  let shared: TestServer;
  let server: TestServer;
  let bob: Client;
  let session: Session;
  /** The connection that the client has lost, and its end on the server. */
  let first: RawClient;
  let firstSocket: GatewaySocket;
  let second: RawClient;
  let secondSocket: GatewaySocket;

  beforeAll(async () => {
    shared = await startNode({ ...QUIET, FAST_LANE });
  });
  afterAll(() => shared.stop());
  afterEach(async () => {
    for (const { socket } of [first, second]) socket.destroy();
    await bob.close(1000);
    if (server !== shared) await server.stop();
  });

  const tcpOf = ({ sink }: GatewaySocket): Socket => sink.socket;
  const resumptionOf = (): SessionResumption => session.resumption as SessionResumption;
  /** Bytes that wait for the session and are not with its socket. */
  const waitingBytes = (): number => session.outbox.bufferedBytes - tcpOf(secondSocket).writableLength;

  function open(offer: string): Promise<RawClient> {
    return RawClient.open(server.port, { headers: [...UPGRADE_HEADERS, `Switchboard-Resume: ${offer}`] });
  }

  /** Opens both clients. @param variables settings of a server for this test alone */
  async function start(variables?: Record<string, string>): Promise<void> {
    server = variables === undefined ? shared : await startNode({ ...QUIET, FAST_LANE, ...variables });
    bob = await connect(server.url);
    first = await open('new');
    session = server.app.get(SessionRegistry).find(first.id)!;
    firstSocket = session.connection as GatewaySocket;
  }

  async function comeBack(): Promise<void> {
    second = await open(`${resumeToken(session.id, resumptionOf().secret)}.0`);
    secondSocket = session.connection as GatewaySocket;
    expect([second.id, secondSocket === firstSocket]).toEqual([first.id, false]);
  }

  const messageToBob = (type: string, data?: unknown): Buffer => envelopeFrame({ type, receiver: bob.id, data });

  /** Writes to the first socket, and waits until the server has read the bytes. */
  async function writeLate(...frames: readonly Buffer[]): Promise<void> {
    const length = Buffer.concat(frames).length;
    const expected = tcpOf(firstSocket).bytesRead + length;
    first.write(...frames);
    await expect.poll(() => tcpOf(firstSocket).bytesRead, { interval: 5 }).toBe(expected);
    await turn();
  }

  const closed = (): Promise<unknown> => new Promise((resolve) => firstSocket.onceClosed(resolve));

  /** Expects that the session works over its second socket, and that nothing of the first one had an effect. */
  async function expectUndisturbed(receivedBefore = 0): Promise<void> {
    second.write(messageToBob('m', 'still here'));
    expect(await bob.next('m')).toMatchObject({ sender: session.id, data: 'still here' });
    await bob.settled();
    expect(bob.inbox).toEqual([]);
    expect([session.state, session.connection === secondSocket, second.over]).toEqual(['open', true, false]);
    expect(resumptionOf().receivedFrames).toBe(receivedBefore + 1);
    expect(second.lines).toEqual([]);
  }

  it.each<[string, (receiver: string) => Buffer[]]>([
    ['a message', (receiver) => [envelopeFrame({ type: 'late', receiver })]],
    ['a message to all', () => [envelopeFrame({ type: 'late', receiver: '*' })]],
    ['a request', () => [envelopeFrame({ type: 'sys.who', id: 'late' })]],
    ['a malformed message', () => [clientFrame('late')]],
    ['a report', () => [envelopeFrame({ type: 'sys.seen', data: { frames: 1 } })]],
    [
      'a message in fragments',
      (receiver) => [
        clientFrame('{"type":"late",', { final: false }),
        clientFrame(`"receiver":"${receiver}"}`, { opcode: 0 }),
      ],
    ],
    ['a ping', () => [clientFrame('late', { opcode: OPCODE.ping })]],
    ['a pong', () => [clientFrame('late', { opcode: OPCODE.pong })]],
    ['a binary message', () => [clientFrame('late', { opcode: OPCODE.binary })]],
    ['an unmasked frame', () => [clientFrame('{"type":"late","receiver":"*"}', { mask: undefined })]],
    ['a half frame', () => [envelopeFrame({ type: 'late', receiver: '*' }).subarray(0, 20)]],
    ['a close frame with 1000', () => [closeFrame(1000)]],
    ['a close frame with a code that ends no session', () => [closeFrame(4999)]],
  ])('receives %s without an effect, nor is its client alive by it', async (_, frames) => {
    await start();
    await comeBack();
    void session.takeAlive(); // until now
    await writeLate(...frames(bob.id));
    expect(session.takeAlive()).toBe(false);
    await expectUndisturbed();
    const gone = closed();
    first.socket.resetAndDestroy();
    await gone;
    expect([session.state, second.over]).toEqual(['open', false]);
  });

  it.each<[string, (client: RawClient) => void]>([
    ['ends', ({ socket }) => void socket.end()],
    ['is reset', ({ socket }) => void socket.resetAndDestroy()],
    ['closes', (client) => client.write(closeFrame(1000))],
    ['is cut by the server after two seconds', () => undefined],
  ])('%s without an effect', async (_, end) => {
    await start();
    await comeBack();
    const gone = closed();
    end(first);
    await gone;
    await expectUndisturbed();
  });

  it('loses what it has not read when it closes', async () => {
    await start();
    await writeLate(messageToBob('m', 'read')); // in time
    expect((await bob.next('m')).data).toBe('read');
    firstSocket.pause();
    first.write(...Array.from({ length: LATE_MESSAGES }, () => messageToBob('late', LATE_DATA)));
    await expect.poll(() => tcpOf(firstSocket).readableLength, { interval: 5 }).toBeGreaterThan(0);
    await comeBack();
    const gone = closed();
    first.socket.resetAndDestroy();
    await gone;
    await expectUndisturbed(1);
  });

  it('stops neither the reading of the session for a turn, nor for the application', async () => {
    await start();
    await comeBack();
    let pauses = 0;
    tcpOf(secondSocket).on('pause', () => pauses++);
    let ownPauses = 0;
    tcpOf(firstSocket).on('pause', () => ownPauses++);
    await writeLate(...Array.from({ length: LATE_MESSAGES }, () => messageToBob('late', LATE_DATA)));
    firstSocket.pause();
    expect([pauses, ownPauses > 0]).toEqual([0, true]);
    await expectUndisturbed();

    secondSocket.pause();
    firstSocket.resume();
    expect(tcpOf(secondSocket).isPaused()).toBe(true);
    secondSocket.resume();
    expect(tcpOf(secondSocket).isPaused()).toBe(false);
  });

  it('makes no session fail by an exception', async () => {
    await start();
    await comeBack();
    const reader = server.app.get(FastFrameReader, { strict: false });
    reader.read = () => {
      throw new Error('injected');
    };
    await writeLate(messageToBob('late'));
    Reflect.deleteProperty(reader, 'read');
    expect(session.state).toBe('open');
    await expectUndisturbed();
  });

  it('sends nothing that waits for a report when it ends', async () => {
    await start({ RESUME_BYTES: '16384' });
    await comeBack();
    for (let count = 0; waitingBytes() === 0; count++)
      await sendTo(bob, session.id, BIG_DATA.slice(0, 5000), `${count}`);
    const before = waitingBytes();
    const ended = once(tcpOf(firstSocket), 'end');
    first.socket.end();
    await ended;
    expect(waitingBytes()).toBe(before);
  });

  it('sends nothing that waits for a slow client when it has drained, and calls back', async () => {
    await start({ RESUME_BYTES: '100000000', RESUME_BUDGET_BYTES: '100000000', SLOW_CONSUMER_MS: '60000' });
    first.socket.pause();
    for (let count = 0; count < BIG_MESSAGES; count++)
      firstSocket.send(JSON.stringify({ type: 'big', data: BIG_DATA }));
    await expect.poll(() => tcpOf(firstSocket).writableNeedDrain, { interval: 5 }).toBe(true);
    const sent = new Promise((resolve) => firstSocket.send('{"type":"last"}', resolve));
    await comeBack();
    second.socket.pause();
    await expect.poll(() => tcpOf(secondSocket).writableNeedDrain, { interval: 5 }).toBe(true);
    const before = waitingBytes();
    expect(before).toBeGreaterThan(0);
    first.socket.resume();
    await sent;
    expect(waitingBytes()).toBe(before);
  });
});
