import { connect } from '@nats-io/transport-node';
import { randomBytes } from 'node:crypto';
import { begin, encodeMessage, finish, writeEvent } from '../../dist/cluster/wire/node-codec.js';
import { RecentDepartures, snapshotChunks } from '../../dist/cluster/wire/snapshot-chunks.js';

const id = (bytes) => randomBytes(bytes).toString('base64url');

/** Says what a node with many sessions would say, in the server's own words, so that hearing it can be measured alone. */
export class PretendedNode {
  #sequence = 0;
  #speaker = { nodeId: id(6), incarnation: 1 };

  constructor(connection, subject) {
    this.connection = connection;
    this.subject = `${subject}.all`;
  }

  static async start(servers, subject = 'switchboard') {
    return new PretendedNode(await connect({ servers }), subject);
  }

  /** Ids for so many sessions. */
  sessions(count) {
    return Array.from({ length: count }, () => ({ id: `${this.#speaker.nodeId}.${id(12)}` }));
  }

  /** Says who is here, as at the beginning of a link. */
  async snapshot(here) {
    for (const piece of snapshotChunks(this.#speaker, this.#sequence, false, here, new RecentDepartures()))
      this.connection.publish(this.subject, piece);
    await this.connection.flush();
  }

  /** @param {object[]} news `{type: 'arrived', place}`, `{type: 'departed', id, code}` @param {number} together so many in a message */
  async news(news, together) {
    for (let at = 0; at < news.length; at += together) {
      const message = begin(this.#speaker, 'news');
      message.u32(++this.#sequence);
      for (const item of news.slice(at, at + together)) writeEvent(message, item);
      this.connection.publish(this.subject, finish(message));
      if (at % 1000 === 0) await this.connection.flush();
    }
    await this.connection.flush();
  }

  async heartbeats(count) {
    for (let sent = 0; sent < count; sent++) {
      const beat = encodeMessage(this.#speaker, { kind: 'heartbeat', sequence: this.#sequence });
      this.connection.publish(this.subject, beat);
      if (sent % 1000 === 0) await this.connection.flush();
    }
    await this.connection.flush();
  }

  /** Leaves: all its sessions are gone. */
  async stop() {
    this.connection.publish(this.subject, encodeMessage(this.#speaker, { kind: 'leave' }));
    await this.connection.drain();
  }
}
