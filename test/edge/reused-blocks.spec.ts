import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { GatewaySocket } from '../../src/gateway/gateway-socket.js';
import { OPCODE, textFrame, type Frame } from '../../src/protocol/index.js';
import { resumeToken } from '../../src/resume/resume-token.js';
import type { SessionResumption } from '../../src/resume/session-resumption.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import type { Session } from '../../src/sessions/session.js';
import { envelopeFrame } from '../support/client-frames.js';
import { RawClient } from '../support/raw-client.js';
import { UPGRADE_HEADERS } from '../support/raw-http.js';
import { QUIET } from '../support/resume.js';
import { startNode, type TestServer } from '../support/server.js';

const OWN: Frame = textFrame('a'.repeat(1000));
const FOREIGN: Frame = textFrame('z'.repeat(1000));
/** Joined in one block, which is kept until its frames were seen. */
const FRAMES_A_TURN = 4;
const FOREIGN_TURNS = 500;
/** More than the buffers of the system hold for one connection. */
const RESUME_BYTES = '67108864';

/** Clients report what they have not read. The memory of these bytes must not be used for those of another session. */
describe('blocks of a client that reports frames which wait in its connection', () => {
  let server: TestServer;
  let cheat: RawClient;
  let session: Session;
  let tcp: Socket;
  let clients: RawClient[];

  afterEach(async () => {
    for (const { socket } of clients) socket.destroy();
    await server.stop();
  });

  const resumption = (): SessionResumption => session.resumption as SessionResumption;
  const sessionOf = ({ id }: RawClient): Session => server.app.get(SessionRegistry).find(id)!;

  async function open(offer = 'new'): Promise<RawClient> {
    const client = await RawClient.open(server.port, {
      headers: [...UPGRADE_HEADERS, `Switchboard-Resume: ${offer}`],
    });
    clients.push(client);
    return client;
  }

  async function sendTurn(to: Session, frame: Frame): Promise<void> {
    for (let count = 0; count < FRAMES_A_TURN; count++) to.send(frame);
    await turn();
  }

  /** Sends to a client that does not read, until the connection of the server holds bytes. Returns how many frames were sent. */
  async function fill(): Promise<number> {
    clients = [];
    server = await startNode({ ...QUIET, RESUME_BYTES, RESUME_BUDGET_BYTES: RESUME_BYTES, SLOW_CONSUMER_MS: '60000' });
    cheat = await open();
    session = sessionOf(cheat);
    tcp = (session.connection as GatewaySocket).sink.socket;
    cheat.socket.pause();
    while (tcp.writableLength === 0) await sendTurn(session, OWN);
    return resumption().replay.sent;
  }

  /** Writes frames of another session, whose blocks have the same size. */
  async function sendForeign(): Promise<void> {
    const other = sessionOf(await open());
    for (let count = 0; count < FOREIGN_TURNS; count++) await sendTurn(other, FOREIGN);
  }

  /** Expects that the client reads its own frames, each of them whole. */
  async function expectOwn(sent: number): Promise<void> {
    const texts = (): string[] =>
      cheat.frames.filter(({ opcode }) => opcode === OPCODE.text).map(({ body }) => String(body));
    cheat.socket.resume();
    await expect.poll(() => texts().length, { interval: 20 }).toBeGreaterThanOrEqual(sent);
    expect(texts().filter((text) => !/^a+$/.test(text) && !text.includes('sys.'))).toEqual([]);
  }

  it('are not reused while the client has the connection', async () => {
    const sent = await fill();
    cheat.write(envelopeFrame({ type: 'sys.seen', data: { frames: sent } }));
    await expect.poll(() => resumption().replay.seen, { interval: 5 }).toBe(sent);
    expect(tcp.writableLength).toBeGreaterThan(0);
    await sendForeign();
    await expectOwn(sent);
  });

  it('are not reused while the connection before a return holds bytes', async () => {
    const sent = await fill();
    const returned = await open(`${resumeToken(session.id, resumption().secret)}.${sent}`);
    expect([returned.id, resumption().replay.seen]).toEqual([session.id, sent]);
    expect(tcp.writableLength).toBeGreaterThan(0);
    await sendForeign();
    await expectOwn(sent);
  });
});
