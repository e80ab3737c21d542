import { Injectable } from '@nestjs/common';
import { Registry } from 'prom-client';
import { Backplane } from '../../cluster/backplane.js';
import { NodeState } from '../../node/node-state.js';
import { CLOSE_CODES, ERRORS, HANDSHAKE_REJECTIONS } from '../../protocol/index.js';
import { SessionRegistry } from '../../sessions/session-registry.js';
import { EventLoopDelay } from '../../telemetry/event-loop-delay.js';
import { Tally } from '../../telemetry/tally.js';
import { Counters } from '../../telemetry/counters.js';
import { counter, counterBy, gauge, histogram } from './metric.js';
import { SessionMetrics } from './session-metrics.js';

const CLOSED = Object.keys(CLOSE_CODES).map(Number);
const OUTCOMES = ['accepted', ...Object.keys(HANDSHAKE_REJECTIONS)];
const REFUSED = Object.keys(ERRORS);
/** What alerts are about, and what hostile clients are answered. */
const LIMITED = [
  ...['full', 'too_many_connections', 'origin_not_allowed', 'unauthorized'].map((code) => `refused.${code}`),
  ...['malformed_json', 'invalid_message', 'reserved_type', 'unknown_type', 'rate_limited'].map(
    (code) => `answered.${code}`,
  ),
];

/** The counters of this process as Prometheus reads them; nothing is done before it asks. */
@Injectable()
export class Metrics {
  readonly #registry = new Registry();

  constructor(
    private readonly counters: Counters,
    private readonly sessions: SessionRegistry,
    private readonly record: SessionMetrics,
    private readonly delay: EventLoopDelay,
    private readonly nodeState: NodeState,
    private readonly backplane: Backplane,
  ) {
    this.#sessions();
    this.#messages();
    this.#process();
    this.#others();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    return this.#registry.metrics();
  }

  #sessions(): void {
    const [all, told] = [this.#registry, this.counters];
    gauge(all, 'switchboard_sessions', 'Sessions now.', () => this.sessions.size);
    counter(all, 'switchboard_sessions_opened_total', 'Sessions opened.', () => told.opened);
    const closed = 'Sessions ended, by close code; 0 stands for the other codes of clients.';
    counterBy(all, 'switchboard_sessions_closed_total', closed, 'code', () => from0(CLOSED, told.closed));
    const handshakes = 'Handshakes by outcome: accepted, or the code of the refusal.';
    counterBy(all, 'switchboard_handshakes_total', handshakes, 'outcome', () => from0(OUTCOMES, told.handshakes));
    const limited =
      'What limits and rules refused in this process: "refused.CODE" at the door, "answered.CODE" inside.';
    counterBy(all, 'switchboard_limited_total', limited, 'what', () => from0(LIMITED, Tally.all()));
    counter(all, 'switchboard_drain_cut_total', 'Sessions a drain had to cut.', () => told.drainCut);
    gauge(all, 'switchboard_draining', '1 while this node drains.', () => Number(this.nodeState.phase === 'draining'));
  }

  #messages(): void {
    const [all, told] = [this.#registry, this.counters];
    const received = (): number => told.received + told.fastRouted + told.fastBroadcasts;
    const routed = (): number => told.routed + told.fastRouted;
    counter(all, 'switchboard_messages_received_total', 'Messages of clients, refused ones included.', received);
    counter(all, 'switchboard_messages_routed_total', 'Messages put on the connection of one receiver.', routed);
    counter(all, 'switchboard_messages_broadcast_total', 'Messages to all.', () => told.broadcasts);
    const delivered = 'Messages put on connections, a broadcast once for each receiver.';
    counter(all, 'switchboard_messages_delivered_total', delivered, () => routed() + told.fannedOut);
    const refused = 'Messages answered with sys.error, by code; "handler" stands for codes of handlers\' own.';
    counterBy(all, 'switchboard_messages_refused_total', refused, 'code', () => from0(REFUSED, told.refused));
    const shed = 'Deliveries of broadcasts passed over because the receiver reads too slowly.';
    counter(all, 'switchboard_messages_shed_total', shed, () => told.skipped);
    histogram(all, 'switchboard_fanout', 'Receivers of a broadcast.', () => [[{}, told.fanout]]);
    const handler = 'switchboard_handler_seconds';
    histogram(all, handler, 'Time a handler took, by type; a stream until it was subscribed.', () =>
      [...told.handlers].map(([type, times]) => [{ type }, times] as const),
    );
    gauge(all, 'switchboard_handlers_running', 'Sessions with a running handler.', () => told.handlersRunning);
  }

  #others(): void {
    const [all, { backplane }] = [this.#registry, this];
    const linked = (): number => Number(backplane.disconnectedSinceMs === undefined);
    gauge(all, 'switchboard_backplane_linked', '1 while other nodes can be reached, or there are none.', linked);
    gauge(all, 'switchboard_backplane_nodes', 'Other nodes that are alive.', () => backplane.peerCount);
    gauge(all, 'switchboard_backplane_waiting', 'Messages to other nodes without an answer.', () => backplane.waiting);
  }

  #process(): void {
    const all = this.#registry;
    const { slowConsumers } = this.sessions;
    const [bytesIn, bytesOut] = ['Bytes received on sessions.', 'Bytes sent on sessions.'];
    counter(all, 'switchboard_received_bytes_total', bytesIn, () => this.record.traffic().bytesIn);
    counter(all, 'switchboard_sent_bytes_total', bytesOut, () => this.record.traffic().bytesOut);
    const buffered = 'Bytes that wait for sessions whose socket is full, for handlers, and in request bodies.';
    gauge(all, 'switchboard_buffered_bytes', buffered, () => slowConsumers.totalBytes);
    gauge(all, 'switchboard_buffered_bytes_max', 'The most that ever waited.', () => slowConsumers.mostBytes);
    const delay = 'How late the event loop was in the last seconds';
    gauge(all, 'switchboard_event_loop_delay_p99_seconds', `${delay}.`, () => this.delay.recent.p99 / 1000);
    gauge(all, 'switchboard_event_loop_delay_max_seconds', `${delay}, at worst.`, () => this.delay.recent.max / 1000);
    gauge(all, 'switchboard_resident_memory_bytes', 'Memory of the process.', () => process.memoryUsage.rss());
    gauge(all, 'switchboard_heap_used_bytes', 'JavaScript heap in use.', () => process.memoryUsage().heapUsed);
    counter(all, 'switchboard_cpu_seconds_total', 'Processor time of the process.', cpuSeconds);
    const start = Math.round(Date.now() / 1000 - process.uptime());
    gauge(all, 'switchboard_start_time_seconds', 'When the process started, Unix time.', () => start);
  }
}

/** A counter that begins with its first event shows no increase for it: what is known to come begins at 0. */
function from0<Key>(keys: readonly Key[], counts: ReadonlyMap<Key, number>): ReadonlyMap<Key, number> {
  return new Map([...keys.map((key) => [key, 0] as const), ...counts]);
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
