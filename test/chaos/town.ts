import { setTimeout as delay } from 'node:timers/promises';
import { Firewall } from '../support/firewall.js';
import { NatsServer } from '../support/nats.js';
import { freePorts } from '../support/ports.js';
import { ServerProcess } from '../support/process.js';
import type { Random } from '../support/random.js';
import { Relay } from '../support/relay.js';
import type { Outage } from './ledger.js';

const NODES = 3;
const SETTINGS = {
  BACKPLANE: 'nats',
  NODE_TIMEOUT_MS: '3000',
  BACKPLANE_TIMEOUT_MS: '1000',
  ARRIVAL_NOTICES: 'off',
  DRAIN_SPREAD_MS: '500',
  DRAIN_TIMEOUT_MS: '4000',
  MAX_CONNECTIONS: '0',
};

interface Place {
  readonly url: string;
  readonly port: number;
  readonly way: Relay;
  node: ServerProcess | undefined;
}

/** What is done to nodes and NATS, by name; each heals by itself and resolves then. Packets are dropped where that is allowed. */
export const FAULTS = {
  'a node is killed': (town: Town) => town.killed(),
  'a node stands still': (town: Town) => town.stopped(),
  'a node drains': (town: Town) => town.drained(),
  'NATS is restarted': (town: Town) => town.natsRestarted(),
  'NATS stands still': (town: Town) => town.natsStopped(),
  "a node's way to NATS is cut": (town: Town) => town.wayCut(),
  "a node's way to NATS swallows everything": (town: Town) => town.wayHeld(),
  ...(Firewall.works && { "a node's packets to NATS are dropped (iptables)": (town: Town) => town.packetsDropped() }),
};

/** Three nodes, each with a way of its own to one NATS server. */
export class Town {
  readonly #places: Place[] = [];
  /** When nodes could not say anything to the others. */
  readonly outages: Outage[] = [];
  readonly #firewall = new Firewall();

  private constructor(
    private readonly nats: NatsServer,
    private readonly random: Random,
  ) {}

  static async build(random: Random): Promise<Town> {
    const nats = await NatsServer.start();
    const town = new Town(nats, random);
    for (let count = 0; count < NODES; count++) {
      const [port] = await freePorts();
      const way = await Relay.start(nats.port);
      const sessionInfo: Place = { url: `ws://127.0.0.1:${port}/wss`, port, way, node: undefined };
      town.#places.push(sessionInfo);
      await town.#start(sessionInfo);
    }
    return town;
  }

  /** Where somebody who comes may knock; a node that is going to refuse is among them. */
  readonly urls = (): string[] => this.#places.filter(({ node }) => node !== undefined).map(({ url }) => url);

  async killed(): Promise<void> {
    const place = this.#any();
    await place.node!.kill();
    place.node = undefined;
    await delay(this.random.between(0, 4000));
    await this.#start(place);
  }

  async stopped(): Promise<void> {
    const { node } = this.#any();
    node!.signal('SIGSTOP');
    await delay(this.random.between(200, 7000));
    node!.signal('SIGCONT');
  }

  async drained(): Promise<void> {
    const place = this.#any();
    place.node!.signal('SIGTERM');
    await place.node!.ended;
    place.node = undefined;
    await this.#start(place);
  }

  async natsRestarted(): Promise<void> {
    await this.#without(this.#places, async () => {
      await this.nats.stop();
      await delay(this.random.between(0, 4000));
      await this.nats.start();
    });
  }

  async natsStopped(): Promise<void> {
    await this.#without(this.#places, async () => {
      await this.nats.standStill();
      await delay(this.random.between(200, 5000));
      this.nats.goOn();
    });
  }

  wayCut(): Promise<void> {
    return this.#cutOff(
      0,
      ({ way }) => way.cut(),
      ({ way }) => way.heal(),
    );
  }

  wayHeld(): Promise<void> {
    return this.#cutOff(
      200,
      ({ way }) => way.hold(),
      ({ way }) => way.heal(),
    );
  }

  packetsDropped(): Promise<void> {
    return this.#cutOff(
      200,
      ({ way }) => this.#firewall.drop(way.port),
      ({ way }) => this.#firewall.pass(way.port),
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.#places.map(async ({ node }) => node?.kill()));
    await Promise.all(this.#places.map(({ way }) => way.stop()));
    await this.nats.stop();
  }

  async #cutOff(
    leastMs: number,
    begin: (sessionInfo: Place) => void,
    end: (sessionInfo: Place) => void,
  ): Promise<void> {
    const place = this.#any();
    await this.#without([place], async () => {
      begin(place);
      await delay(this.random.between(leastMs, 6000));
      end(place);
    });
  }

  /** Does what these nodes cannot say anything during, and writes down when that was. */
  async #without(places: readonly Place[], happen: () => Promise<void>): Promise<void> {
    const fromMs = performance.now();
    await happen();
    for (const { url } of places) this.outages.push({ url, fromMs, toMs: performance.now() });
  }

  #any(): Place {
    return this.random.pick(this.#places);
  }

  async #start(sessionInfo: Place): Promise<void> {
    const NATS_URL = `nats://127.0.0.1:${sessionInfo.way.port}`;
    sessionInfo.node = await ServerProcess.start({ ...SETTINGS, PORT: String(sessionInfo.port), NATS_URL });
  }
}
