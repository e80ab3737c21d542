import { connect } from '@nats-io/transport-node';
import { randomBytes } from 'node:crypto';
import { begin, encodeMessage, finish, writeEvent } from '../../dist/cluster/wire/node-codec.js';
import { snapshotChunks } from '../../dist/cluster/wire/snapshot-chunks.js';

const SUBJECT = 'switchboard.all';
const id = (bytes) => randomBytes(bytes).toString('base64url');

/** Publishes the messages of a node with many sessions, so that the cost of receiving them is measured alone. */
export class SimulatedNode {
  #sequence = 0;
  #origin;

  constructor(connection, nodeId) {
    this.connection = connection;
    this.#origin = { nodeId, incarnation: 1 };
  }

  /** Connects. @param {string} [nodeId] that of a running node, whose events then are those that NATS echoes */
  static async start(servers, nodeId = id(6)) {
    return new SimulatedNode(await connect({ servers }), nodeId);
  }

  /** Makes sessions with ids of this node. */
  sessions(count) {
    return Array.from({ length: count }, () => ({ id: `${this.#origin.nodeId}.${id(12)}` }));
  }

  /** Publishes a snapshot of these sessions, as on a new connection. */
  async snapshot(sessions) {
    const head = { sequence: this.#sequence, requestsSnapshots: false };
    for (const chunk of snapshotChunks(this.#origin, head, sessions, [])) this.connection.publish(SUBJECT, chunk);
    await this.connection.flush();
  }

  /**
   * Publishes events.
   *
   * @param {object[]} events `{type: 'arrived', sessionInfo}`, `{type: 'departed', id, code}`
   * @param {number} perMessage events in one message
   */
  async events(events, perMessage) {
    for (let at = 0; at < events.length; at += perMessage) {
      const message = begin(this.#origin, 'events');
      message.u32(++this.#sequence);
      for (const item of events.slice(at, at + perMessage)) writeEvent(message, item);
      this.connection.publish(SUBJECT, finish(message));
      if (at % 1000 === 0) await this.connection.flush();
    }
    await this.connection.flush();
  }

  async heartbeats(count) {
    for (let sent = 0; sent < count; sent++) {
      const heartbeat = encodeMessage(this.#origin, { kind: 'heartbeat', sequence: this.#sequence });
      this.connection.publish(SUBJECT, heartbeat);
      if (sent % 1000 === 0) await this.connection.flush();
    }
    await this.connection.flush();
  }

  /** Leaves the cluster, so that all its sessions depart. */
  async stop() {
    this.connection.publish(SUBJECT, encodeMessage(this.#origin, { kind: 'leave' }));
    await this.connection.drain();
  }
}
