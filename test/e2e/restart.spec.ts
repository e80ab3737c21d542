import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { connect } from '../support/client.js';
import { freePorts } from '../support/ports.js';
import { ServerProcess } from '../support/process.js';
import { ResumableLine } from '../support/resumable-line.js';

const MEMBERS = 1000;
const OTHERS = 100;
/** Clients that connect at the same time. */
const AT_ONCE = 50;
/** Messages of one member that wait for their acks. */
const IN_FLIGHT = 2;
/** Messages that each member gets at least, before the restart and after it. */
const LOAD = 3;
/** The test takes 15 s, and minutes on a busy machine. */
const TIMEOUT_MS = 300_000;
const PATIENCE = { timeout: 60_000, interval: 20 };

interface Envelope {
  readonly type: string;
  readonly sender: string;
  readonly ref?: string;
  readonly data?: unknown;
}

/** A client of a ring: sends numbered messages to the next member, a new one for each ack. Records all that is wrong. */
class Member {
  readonly line: ResumableLine;
  readonly faults: string[] = [];
  /** Sessions whose departure was sent to this member. */
  readonly departed: string[] = [];
  sent = 0;
  acknowledged = 0;
  /** Messages of the member before. */
  delivered = 0;
  id = '';
  next!: Member;
  #isStopped = false;

  constructor(port: number) {
    this.line = new ResumableLine(port);
    this.line.on('message', (text: string) => this.#receive(JSON.parse(text) as Envelope));
    this.line.on('fault', (error: Error) => this.faults.push(error.message));
  }

  async open(): Promise<void> {
    this.id = (await this.line.open()).receiver;
  }

  async return(): Promise<void> {
    const { receiver, data } = await this.line.return();
    if (receiver !== this.id || data.resumed !== true) this.faults.push(`${receiver} ${JSON.stringify(data)}`);
  }

  start(): void {
    for (let count = 0; count < IN_FLIGHT; count++) this.#send();
  }

  stop(): void {
    this.#isStopped = true;
  }

  #send(): void {
    const number = this.sent++;
    this.line.send(JSON.stringify({ type: 'chat', receiver: this.next.id, id: String(number), data: number }));
  }

  #receive({ type, sender, ref, data }: Envelope): void {
    if (type === 'chat') {
      if (data !== this.delivered++) this.faults.push(`message ${String(data)} as number ${this.delivered - 1}`);
    } else if (type === 'sys.ack') {
      if (ref !== String(this.acknowledged++)) this.faults.push(`ack of ${ref} as number ${this.acknowledged - 1}`);
      if (!this.#isStopped) this.#send();
    } else if (type === 'sys.departed') this.departed.push(sender);
    else if (type !== 'sys.reconnect') this.faults.push(`${type} ${JSON.stringify(data)}`);
  }
}

/** Does work for many clients, a few at the same time. */
async function inBatches<T>(clients: readonly T[], work: (client: T) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < clients.length; from += AT_ONCE)
    await Promise.all(clients.slice(from, from + AT_ONCE).map(work));
}

describe('a restart under load', () => {
  let server: ServerProcess | undefined;
  let folder = '';
  afterEach(async () => {
    await server?.kill();
    await rm(folder, { recursive: true });
  });

  it(
    'loses nothing of sessions that may come back, and closes the others with 1012',
    { timeout: TIMEOUT_MS },
    async () => {
      folder = await mkdtemp(join(tmpdir(), 'switchboard-restart-'));
      const [port] = await freePorts();
      const variables = {
        PORT: String(port),
        RESUME_STATE_DIR: folder,
        ARRIVAL_NOTICES: 'off',
        // Times for a busy machine.
        DRAIN_SPREAD_MS: '60000',
        DRAIN_TIMEOUT_MS: '60000',
        LOG_LEVEL: 'info',
      };
      server = await ServerProcess.start(variables);
      const members = Array.from({ length: MEMBERS }, () => new Member(port));
      await inBatches(members, (member) => member.open());
      members.forEach((member, index) => (member.next = members[(index + 1) % MEMBERS]!));
      const { url } = server;
      const others = await Promise.all(Array.from({ length: OTHERS }, () => connect(url)));
      for (const member of members) member.start();
      await expect.poll(() => members.every(({ delivered }) => delivered > LOAD), PATIENCE).toBe(true);

      server.signal('SIGTERM');
      for (const { closed } of others) expect(await closed).toEqual({ code: 1012, reason: 'service_restart' });
      expect(others.every(({ inbox }) => inbox.some(({ type }) => type === 'sys.reconnect'))).toBe(true);
      expect(await server.logged('sessions saved')).toMatchObject({ sessions: MEMBERS });
      expect(await server.ended).toEqual({ code: 0, signal: null });
      for (const { line } of members) expect((await line.connection.closed).code).toBe(1012);
      const before = members.map(({ delivered }) => delivered);

      server = await ServerProcess.start(variables);
      expect(await server.logged('sessions restored')).toMatchObject({ sessions: MEMBERS, lost: 0 });
      expect(await readdir(folder)).toEqual([]);
      await inBatches(members, (member) => member.return());
      await expect
        .poll(() => members.every(({ delivered }, index) => delivered > before[index]! + LOAD), PATIENCE)
        .toBe(true);
      for (const member of members) member.stop();
      await expect.poll(() => members.every(({ sent, acknowledged }) => sent === acknowledged), PATIENCE).toBe(true);
      await expect.poll(() => members.every(({ sent, next }) => sent === next.delivered), PATIENCE).toBe(true);

      expect(members.flatMap(({ faults }) => faults)).toEqual([]);
      const ended = others.map(({ id }) => id).toSorted();
      for (const { departed } of members) expect(departed.toSorted()).toEqual(ended);
      for (const { line } of members) line.close(1000);
    },
  );
});
