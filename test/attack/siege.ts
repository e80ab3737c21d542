import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { makeCertificates } from '../support/certificates.js';
import { NatsServer } from '../support/nats.js';
import { ServerProcess } from '../support/process.js';
import { AUTH, token } from '../support/tokens.js';
import { Attacker, bearer, type Aim, type Attack } from './attacker.js';
import { KeySource } from './key-source.js';

const MAIN = fileURLToPath(new URL('besieged.js', import.meta.url));
const PAIR = new URL('calm-pair.js', import.meta.url);
/** The default limits, and time-outs that a test can wait for. */
const LIMITS = {
  MAX_CONNECTIONS_PER_ADDRESS: '256',
  HANDSHAKES_PER_SECOND: '50',
  MESSAGES_PER_SECOND: '200',
  BYTES_PER_SECOND: '1048576',
  FAULTS_PER_MINUTE: '60',
  REFUSALS_PER_MINUTE: '5000',
  HANDSHAKE_TIMEOUT_MS: '1500',
  AWAY_NOTICE_MS: '200',
  RESUME_WINDOW_MS: '1000',
  HEARTBEAT_MS: '600000', // the sessions that are present answer no pings
};
/** Below HANDSHAKES_PER_SECOND times four, and MAX_CONNECTIONS_PER_USER. */
const PRESENT_AN_ADDRESS = 150;
const PRESENT_A_USER = 15;
/** Long names, so that lists of sessions are long. */
const USER_CHARACTERS = 48;
const LINGER_MS = 1000;
/** Enough for one that began with the measurement. */
const WHOLE_EXCHANGES = 2;

export interface SiegeOptions {
  /** Sessions that only receive, each with a user. */
  readonly present?: number;
  readonly tls?: boolean;
  readonly nodes?: number;
  readonly variables?: Readonly<Record<string, string>>;
}

/** A server as a process of its own, with sessions that are present, attackers, and a calm pair that is measured. */
export class Siege {
  readonly #waiting: { left: number; resolve: () => void }[] = [];
  #report: ((p99Ms: number) => void) | undefined;
  /** Whether the calm pair has lost a message, or a server has ended. */
  broken = false;
  #reject: (error: Error) => void = () => undefined;
  /** Rejects once this is {@link broken}. */
  readonly failure: Promise<never>;
  #pair: Worker | undefined;
  readonly #crowd: Attacker[] = [];

  private constructor(
    readonly servers: readonly ServerProcess[],
    readonly keySource: KeySource,
    private readonly folder: string,
    private readonly nats: NatsServer | undefined,
    private readonly aim: Aim,
  ) {
    this.failure = new Promise((_, reject) => (this.#reject = reject));
    this.failure.catch(() => undefined);
    for (const server of servers)
      void server.ended.then(({ code, signal }) => this.#failed(new Error(`a server ended with ${code ?? signal}`)));
  }

  static async start(options: SiegeOptions = {}): Promise<Siege> {
    const { present = 0, tls = false, nodes = 1, variables = {} } = options;
    const folder = await mkdtemp(join(tmpdir(), 'switchboard-siege-'));
    const keySource = await KeySource.start();
    const nats = nodes > 1 ? await NatsServer.start() : undefined;
    const settings: Record<string, string> = {
      ...LIMITS,
      ...AUTH,
      AUTH: 'optional',
      AUTH_JWKS: keySource.url,
      SHOW_USERS: 'on',
      ...(nats && { BACKPLANE: 'nats', NATS_URL: nats.url }),
      ...variables,
    };
    if (tls) {
      await makeCertificates(folder);
      settings['TLS_CERT_FILE'] = join(folder, 'server.crt');
      settings['TLS_KEY_FILE'] = join(folder, 'server.key');
    }
    const servers: ServerProcess[] = [];
    for (let count = 0; count < nodes; count++) servers.push(await ServerProcess.start(settings, { main: MAIN }));
    const siege: Siege = new Siege(servers, keySource, folder, nats, {
      port: Number(new URL(servers[0]!.url).port),
      tls,
      keySource,
      token: await token(),
      exchanges: (count) => siege.#exchanges(count),
    });
    await siege.#fill(present);
    await siege.#calm();
    return siege;
  }

  /** Runs an attack beside the calm pair; returns the p99 of the pair during the attack, in milliseconds. */
  async under(attack: Attack, force = 1): Promise<number> {
    const attacker = new Attacker(this.aim, force);
    this.#order('start');
    try {
      await Promise.race([attack(attacker), this.failure]);
      await this.#exchanges(WHOLE_EXCHANGES); // an attack may be over before the first exchange is
      return await this.#measured();
    } finally {
      attacker.stop();
      await this.#exchanges(1);
    }
  }

  /** Returns the p99 of the calm pair during so many exchanges without an attack, in milliseconds. */
  async quiet(count: number): Promise<number> {
    this.#order('start');
    await this.#exchanges(count);
    return this.#measured();
  }

  /** Forgets the highest resident memory of the first server. */
  forgetPeak(): void {
    writeFileSync(`/proc/${this.servers[0]!.child.pid}/clear_refs`, '5');
  }

  /** The highest resident memory of the first server, in bytes. */
  get peakBytes(): number {
    const status = readFileSync(`/proc/${this.servers[0]!.child.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+)/.exec(status)![1]) * 1024;
  }

  async stop(): Promise<void> {
    for (const each of this.#crowd) each.stop();
    await this.#pair?.terminate();
    await Promise.all(this.servers.map((server) => server.kill()));
    await this.nats?.stop();
    await this.keySource.stop();
    await rm(this.folder, { recursive: true });
  }

  #failed(error: Error): void {
    this.broken = true;
    this.#reject(error);
  }

  #order(word: 'start' | 'stop'): void {
    this.#pair!.postMessage(word, []);
  }

  async #measured(): Promise<number> {
    const measured = new Promise<number>((resolve) => (this.#report = resolve));
    this.#order('stop');
    return Promise.race([measured, this.failure]);
  }

  #exchanges(count: number): Promise<void> {
    const done = new Promise<void>((resolve) => this.#waiting.push({ left: count, resolve }));
    return Promise.race([done, this.failure]);
  }

  /** Opens the sessions that are present; they read everything and say nothing. */
  async #fill(present: number): Promise<void> {
    for (let opened = 0; opened < present; opened += PRESENT_AN_ADDRESS) {
      const crowd = new Attacker(this.aim);
      this.#crowd.push(crowd);
      for (let user = 0; user < PRESENT_AN_ADDRESS / PRESENT_A_USER; user++) {
        const sub = `${opened + user}`.padStart(USER_CHARACTERS, '漢');
        for (const { ended } of await crowd.sessions(PRESENT_A_USER, bearer(await token({ sub }))))
          void ended.then(() => this.#failed(new Error('a session that was present has ended')));
      }
    }
  }

  async #calm(): Promise<void> {
    const workerData = { urls: this.servers.map(({ url }) => url), pids: this.servers.map(({ child }) => child.pid) };
    const pair = new Worker(PAIR, { workerData });
    this.#pair = pair;
    pair.on('error', (error) => this.#failed(error));
    const begun = new Promise<void>((resolve) => {
      pair.on('message', (message: { ids?: unknown; exchanged?: true; p99Ms?: number }) => {
        if (message.ids !== undefined) resolve();
        else if (message.p99Ms !== undefined) this.#report?.(message.p99Ms);
        else this.#exchanged();
      });
    });
    await Promise.race([begun, this.failure]);
    await this.#exchanges(LINGER_MS / 10);
  }

  #exchanged(): void {
    for (const waiter of this.#waiting.slice()) {
      if (--waiter.left > 0) continue;
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
      waiter.resolve();
    }
  }
}
