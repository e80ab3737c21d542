import { readSettings } from '../../src/settings/environment.js';
import { Random } from '../support/random.js';
import { Promises, type Client } from './promises.js';
import { SimulatedNats } from './simulated-nats.js';
import { SimulatedNode, type World } from './simulated-node.js';
import { VirtualTime } from './virtual-time.js';

const NODES = 3;
const NODE_TIMEOUT_MS = 1000;
const BACKPLANE_TIMEOUT_MS = 400;
const SETTINGS = readSettings({
  BACKPLANE: 'nats',
  NATS_URL: 'nats://simulated:4222',
  NODE_TIMEOUT_MS: String(NODE_TIMEOUT_MS),
  BACKPLANE_TIMEOUT_MS: String(BACKPLANE_TIMEOUT_MS),
  NOTICE_SCOPE: 'all',
  ARRIVAL_NOTICES: 'on',
  AWAY_NOTICE_MS: '300',
});
/** A message is delivered in the first half of the timeout, or never. The rest is for rounding. */
const MAX_AGE_MS = BACKPLANE_TIMEOUT_MS / 2 + 1;
const STARTED_MS = 700;
const FAULTS_MS = 4000;
/** The time in which the cluster must be complete again after the last fault. */
const HEALING_MS = 5000;
const QUIET_MS = 1000;
const MAX_FAULTS = 5;
const MAX_SESSIONS = 12;
/** Few, so that sessions on different nodes meet in them. */
const ROOMS = ['garden', 'pond'];
const USERS = ['ann', 'bob'];

/** The outcome of one schedule. */
export interface Outcome {
  readonly breaches: readonly string[];
  readonly answers: ReadonlyMap<string, number>;
  readonly events: number;
  readonly faults: readonly string[];
}

/** One run of a cluster, in which a seed decides about traffic, delays and faults. */
class Schedule {
  readonly #random: Random;
  readonly #time = new VirtualTime();
  readonly #world: World;
  readonly #nodes: SimulatedNode[] = [];
  readonly #faults: string[] = [];
  #started = 0;
  #steppedMs = 0;

  constructor(
    seed: number,
    private readonly trace: (text: string) => void,
  ) {
    this.#random = new Random(seed);
    const random = new Random(this.#random.next());
    const promises = new Promises(
      () => this.#time.nowMs,
      () => MAX_AGE_MS + this.#steppedMs,
    );
    const nats = new SimulatedNats(this.#time, new Random(this.#random.next()));
    const traced = (text: string): void => this.trace(`${this.#time.nowMs.toFixed(1).padStart(9)} ${text}`);
    this.#world = { nats, promises, settings: SETTINGS, random, trace: traced };
  }

  async run(): Promise<Outcome> {
    for (let index = 0; index < NODES; index++) this.#start(index);
    const endMs = STARTED_MS + FAULTS_MS;
    this.#traffic(STARTED_MS, endMs + HEALING_MS - QUIET_MS);
    this.#time.add(endMs + HEALING_MS - QUIET_MS, 'io', () => this.#allBack());
    const faults = this.#random.between(1, MAX_FAULTS);
    for (let count = 0; count < faults; count++)
      this.#time.add(this.#random.between(STARTED_MS, endMs), 'timer', () => this.#fault());
    await this.#time.runUntil(endMs + HEALING_MS);
    const { promises } = this.#world;
    promises.settle();
    this.#checkNodes(promises.alive);
    return { breaches: promises.breaches, answers: promises.answers, events: this.#time.events, faults: this.#faults };
  }

  #start(index: number): void {
    const node = new SimulatedNode(this.#world, `node${++this.#started}`);
    this.#nodes[index] = node;
    node.start();
  }

  /** Acts for a random client, at random moments. */
  #traffic(fromMs: number, toMs: number): void {
    if (fromMs >= toMs) return;
    this.#time.add(fromMs - this.#time.nowMs, 'io', () => {
      const node = this.#random.pick(this.#nodes);
      // A paused or ended process reads nothing; its clients wait.
      if (!node.process.paused && !node.isLeaving) this.#act(node);
      this.#traffic(fromMs + this.#random.between(1, 80), toMs);
    });
  }

  #act(node: SimulatedNode): void {
    const { sessions } = node;
    const action = this.#random.below(100);
    if (sessions.length === 0 || (action < 15 && this.#world.promises.alive.length < MAX_SESSIONS))
      return node.open(this.#random.pick([...USERS, undefined]));
    const client = this.#random.pick(sessions);
    if (node.isAway(client)) return this.#actAway(node, client);
    if (action >= 96) return node.lose(client);
    if (action < 23) return node.end(client);
    if (action < 29) return node.send(client, '*');
    if (action < 31) return void node.call(this.#random.pick(this.#nodes).id, `call ${action}`);
    if (action < 34) return void node.backplane.kick(this.#receiver().id, 4000);
    if (action < 39) return void this.#changeRoom(node);
    // Several messages in one turn are one batch.
    for (let count = this.#random.between(1, 3); count > 0; count--)
      if (action < 65) this.#actInRoom(node, client);
      else if (action < 72) node.send(client, `@${this.#random.pick(USERS)}`);
      else node.send(client, this.#receiver().id);
  }

  /** Comes back, ends, or waits. */
  #actAway(node: SimulatedNode, client: Client): void {
    if (this.#random.once(4)) node.comeBack(client);
    else if (this.#random.once(10)) node.end(client);
  }

  /** Brings all clients back that are away. */
  #allBack(): void {
    for (const node of this.#nodes)
      if (!node.isLeaving && !node.process.paused) for (const client of node.away) node.comeBack(client);
  }

  /** Joins, speaks and leaves, so that the messages of one turn stand between a join and a leave. */
  #actInRoom(node: SimulatedNode, client: Client): void {
    const rooms = this.#world.promises.groups.roomsOf(client);
    const room = this.#random.pick(rooms.length > 0 && !this.#random.once(4) ? rooms : ROOMS);
    const action = this.#random.below(10);
    if (action < 3) node.join(client, room);
    else if (action < 5) node.leave(client, room);
    else node.send(client, `#${room}`);
  }

  /** Puts a session of any node into a room, or takes it out, as server code of this node does. */
  async #changeRoom(node: SimulatedNode): Promise<void> {
    const change = this.#random.pick(['join', 'leave'] as const);
    const room = this.#random.pick(ROOMS);
    const failure = await node.backplane.changeRoom(change, this.#receiver().id, room);
    if (failure === 'too_many_rooms') this.#world.promises.breach('a session has too many rooms');
  }

  /** Picks a session, most often one that is connected. */
  #receiver(): Client {
    const { alive, clients } = this.#world.promises;
    return alive.length > 0 && !this.#random.once(8)
      ? this.#random.pick(alive)
      : this.#random.pick([...clients.values()]);
  }

  #fault(): void {
    const index = this.#random.below(NODES);
    const node = this.#nodes[index]!;
    const lengthMs = this.#random.pick([20, 150, 400, 950, 1500]) + this.#random.below(100);
    const [name, begin] = this.#random.pick(Object.entries(FAULTS));
    this.#faults.push(`${name} (${node.name}, ${lengthMs} ms)`);
    this.#world.trace(`--- ${this.#faults.at(-1)}`);
    const after = (run: () => void): void => void this.#time.add(lengthMs, 'timer', run);
    begin({
      node,
      nats: this.#world.nats,
      after,
      restart: () => this.#start(index),
      step: () => {
        this.#steppedMs += lengthMs;
        node.process.steppedMs += lengthMs;
      },
    });
  }

  /** Checks that all nodes agree, and that nothing waits any more. */
  #checkNodes(alive: readonly Client[]): void {
    const { promises } = this.#world;
    const ids = textOf(alive);
    for (const node of this.#nodes) {
      const { name, backplane, listed } = node;
      if (listed.join() !== ids)
        promises.breach(`${name} lists ${listed.length} sessions: not the ${alive.length} that are connected`);
      if (node.listedAway.length > 0) promises.breach(`${name} lists sessions as away that have come back`);
      if (backplane.peerCount !== NODES - 1) promises.breach(`${name} knows ${backplane.peerCount} nodes`);
      if (backplane.waiting !== 0) promises.breach(`${name} still waits for ${backplane.waiting} answers`);
      for (const room of ROOMS)
        if (node.membersOf(room).join() !== promises.groups.membersOf(room, alive).join())
          promises.breach(`${name} lists other members of ${room} than there are`);
      for (const user of USERS)
        if (node.sessionsOf(user).join() !== textOf(alive.filter((client) => client.user === user)))
          promises.breach(`${name} lists other sessions of ${user} than there are`);
    }
  }
}

/** Returns the ids of clients in order, as one text. */
function textOf(clients: readonly Client[]): string {
  return clients
    .map(({ id }) => id)
    .toSorted()
    .join();
}

interface Fault {
  readonly node: SimulatedNode;
  readonly nats: SimulatedNats;
  /** Runs something when the fault ends. */
  readonly after: (run: () => void) => void;
  readonly restart: () => void;
  readonly step: () => void;
}

const FAULTS: Readonly<Record<string, (fault: Fault) => void>> = {
  'a process is paused': ({ node, after }) => {
    node.process.paused = true;
    after(() => node.process.resume());
  },
  'a path is held': ({ node, after }) => {
    node.path.held = true;
    after(() => node.path.release());
  },
  'a path is slow': ({ node, after }) => {
    node.path.slowed++;
    after(() => {
      node.path.slowed--;
    });
  },
  'a connection is cut': ({ node }) => node.cut(),
  'a subscription is lost': ({ node }) => node.loseSubscription(),
  'messages arrive twice': ({ node, after }) => {
    node.path.repeats = true;
    after(() => {
      node.path.repeats = false;
    });
  },
  'NATS servers restart': ({ nats, after }) => {
    const servers = nats.pick();
    nats.stop(servers);
    after(() => {
      for (const server of servers) server.running = true;
    });
  },
  'NATS servers are paused': ({ nats, after }) => {
    const servers = nats.pick();
    for (const server of servers) server.paused = true;
    after(() => {
      for (const server of servers) server.resume();
    });
  },
  'a NATS server is paused when a node connects': ({ node, after }) => {
    node.path.onConnected = (server) => {
      server.paused = true;
      after(() => server.resume());
    };
    node.cut();
  },
  'a process crashes': ({ node, after, restart }) => {
    if (node.isLeaving) return;
    node.crash();
    after(restart);
  },
  'a node drains': ({ node, after, restart }) => {
    if (node.isLeaving || node.process.paused) return;
    void node.drain();
    after(restart);
  },
  'a clock steps forward': ({ step }) => step(),
};

/** Runs one schedule. @param trace gets each event that a client or a log would show */
export async function runSchedule(seed: number, trace: (text: string) => void = () => undefined): Promise<Outcome> {
  return new Schedule(seed, trace).run();
}
