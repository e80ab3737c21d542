import { Injectable } from '@nestjs/common';
import type { Socket } from 'node:net';
import { MinimumRate } from '../../limits/minimum-rate.js';
import { NodeState } from '../../node/node-state.js';
import { Settings } from '../../settings/settings.js';
import { Counters } from '../../telemetry/counters.js';
import { takenBytes } from '../http/taken-bytes.js';
import { TransferWatch } from '../http/transfer-watch.js';
import type { Dialed } from './pipe-dialer.js';

/** Milliseconds in which both ends of a pipe must be gone once one of them has ended. */
const END_TIMEOUT_MS = 2000;
/** Milliseconds between two steps in which a draining node ends pipes. */
const DRAIN_STEP_MS = 50;
/** Share of `DRAIN_TIMEOUT_MS` by which a draining node has ended its pipes. */
const DRAINED_UNTIL = 0.4;

/** A client of this node, and the node of its session. */
interface Pipe {
  readonly client: Socket;
  readonly node: Socket;
}

/**
 * Pipes the connections of clients to the nodes of their sessions. Bytes go both ways unread. A stream reads no further
 * than its own buffer while the other one is full, so that a slow client slows down the node of its session.
 *
 *   client ──TLS, proxy──▶ this node ──▶ node of the session
 */
@Injectable()
export class Pipes {
  readonly #open = new Set<Pipe>();
  readonly #drainSpreadMs: number;
  readonly #stallMs: number;
  readonly #rate: MinimumRate;

  constructor(
    private readonly counters: Counters,
    { drainSpreadMs, drainTimeoutMs, slowConsumerMs, minBytesPerSecond }: Settings,
    nodeState: NodeState,
  ) {
    this.#drainSpreadMs = Math.min(drainSpreadMs, drainTimeoutMs * DRAINED_UNTIL);
    this.#stallMs = slowConsumerMs;
    this.#rate = new MinimumRate(minBytesPerSecond, slowConsumerMs);
    nodeState.onDraining(() => this.#drain());
  }

  /**
   * Pipes a client to a node that has accepted its request.
   *
   * @param head bytes that the client has sent behind its request
   * @param onEnd called once, when the connection of the client is gone
   */
  join(client: Socket, head: Buffer, { socket: node, response }: Dialed, onEnd: () => void): void {
    const pipe = { client, node };
    this.#open.add(pipe);
    this.counters.pipes++;
    const watch = this.#watch(pipe);
    client.once('close', () => {
      watch.stop();
      this.#open.delete(pipe);
      this.counters.pipes--;
      onEnd();
    });
    endTogether(pipe);
    client.write(response);
    if (head.length > 0) node.write(head);
    // Not `pipeline` of Node, because two of them add more listeners to a socket than Node allows without a warning.
    client.pipe(node);
    node.pipe(client);
  }

  /**
   * Watches whether a client takes bytes while some wait. The end of the other connection is not noticed before, because a
   * pipe does not read a connection whose bytes it cannot pass on.
   */
  #watch(pipe: Pipe): TransferWatch {
    const { client } = pipe;
    return new TransferWatch(this.#rate, this.#stallMs, {
      bytes: () => (client.writableLength === 0 ? undefined : takenBytes(client)),
      bytesOnTheWay: () => takenBytes(client),
      stalled: () => cut(pipe),
    });
  }

  /** Cuts all pipes. */
  stop(): void {
    for (const pipe of this.#open) cut(pipe);
  }

  /**
   * Cuts the pipes of a draining node, spread like the requests to reconnect. Their clients return by way of other nodes. A
   * close frame is not possible, because this node reads no frames of a pipe.
   */
  #drain(): void {
    const perStep = Math.ceil((this.#open.size * DRAIN_STEP_MS) / Math.max(DRAIN_STEP_MS, this.#drainSpreadMs));
    const step = (): void => {
      let left = perStep;
      for (const pipe of this.#open) {
        if (left-- === 0) break;
        cut(pipe);
      }
      if (this.#open.size > 0) setTimeout(step, DRAIN_STEP_MS).unref();
    };
    step();
  }
}

/** Ends both connections where one of them ends, and destroys both where one fails or the other takes too long. */
function endTogether(pipe: Pipe): void {
  const { client, node } = pipe;
  let timer: NodeJS.Timeout | undefined;
  const begin = (): void => {
    timer ??= setTimeout(() => cut(pipe), END_TIMEOUT_MS);
  };
  for (const [one, other] of [
    [client, node],
    [node, client],
  ] as const) {
    one.on('error', () => undefined);
    one.once('end', begin);
    one.once('close', (hasFailed: boolean) => {
      if (other.closed) return clearTimeout(timer);
      begin();
      if (hasFailed) cut(pipe);
      else other.end();
    });
  }
}

function cut({ client, node }: Pipe): void {
  client.destroy();
  node.destroy();
}
