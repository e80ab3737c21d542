import { Injectable } from '@nestjs/common';
import { Registry } from 'prom-client';
import { CLOSE_CODES, ERRORS, HANDSHAKE_REJECTIONS } from '../../protocol/index.js';
import { SessionRegistry } from '../../sessions/session-registry.js';
import { Counters } from '../../telemetry/counters.js';
import { ClusterMetrics } from './cluster-metrics.js';
import { counter, counterBy, gauge, histogram, withZeros } from './metric.js';
import { ProcessMetrics } from './process-metrics.js';
import { ResumeMetrics } from './resume-metrics.js';

const SERVER_CLOSE_CODES = Object.keys(CLOSE_CODES).map(Number);
const HANDSHAKE_OUTCOMES = ['accepted', ...Object.keys(HANDSHAKE_REJECTIONS)];
const ERROR_CODES = Object.keys(ERRORS);
/** Codes of `switchboard_limited_total`, which alerts are about: of rejected handshakes, and of refused messages. */
const LIMITED_HANDSHAKES = ['full', 'too_many_connections', 'origin_not_allowed', 'unauthorized'] as const;
const LIMITED_MESSAGES = ['malformed_json', 'invalid_message', 'reserved_type', 'unknown_type'] as const;

/** Exposes the counters of this process to Prometheus. All values are read when metrics are requested. */
@Injectable()
export class Metrics {
  readonly #registry = new Registry();

  constructor(
    private readonly counters: Counters,
    private readonly sessions: SessionRegistry,
    resumeMetrics: ResumeMetrics,
    processMetrics: ProcessMetrics,
    clusterMetrics: ClusterMetrics,
  ) {
    this.#addSessions();
    resumeMetrics.addTo(this.#registry);
    this.#addMessages();
    processMetrics.addTo(this.#registry);
    clusterMetrics.addTo(this.#registry);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    return this.#registry.metrics();
  }

  #addSessions(): void {
    const [registry, counters] = [this.#registry, this.counters];
    gauge(registry, 'switchboard_sessions', 'Sessions, those that are away included.', () => this.sessions.size);
    counter(registry, 'switchboard_sessions_opened_total', 'Sessions opened.', () => counters.opened);
    const closed = 'Sessions ended, by close code; 0 stands for all other codes of clients.';
    counterBy(registry, 'switchboard_sessions_closed_total', closed, 'code', () =>
      withZeros(SERVER_CLOSE_CODES, counters.closed),
    );
    const handshakes = 'Handshakes by outcome: accepted, or the code of the rejection.';
    counterBy(registry, 'switchboard_handshakes_total', handshakes, 'outcome', () =>
      withZeros(HANDSHAKE_OUTCOMES, counters.handshakes),
    );
    const limited =
      'What limits and rules refused: handshakes as "refused.CODE"; messages, pings and pongs as "answered.CODE".';
    counterBy(registry, 'switchboard_limited_total', limited, 'what', () => limitedBy(counters));
    const requests = 'Requests for the keys of tokens (AUTH_JWKS), by outcome: loaded or failed.';
    counterBy(registry, 'switchboard_token_key_requests_total', requests, 'outcome', () =>
      withZeros(['loaded', 'failed'], counters.keyRequests),
    );
    const age = 'Seconds since the keys of tokens were loaded from their URL; 0 before that and without a URL.';
    gauge(registry, 'switchboard_token_keys_age_seconds', age, () => secondsSince(counters.keysLoadedAtMs));
    counter(registry, 'switchboard_drain_cut_total', 'Sessions that a drain had to cut.', () => counters.drainCut);
  }

  #addMessages(): void {
    const [registry, counters] = [this.#registry, this.counters];
    const received = (): number => counters.received + counters.fastRouted + counters.fastBroadcasts;
    const routed = (): number => counters.routed + counters.fastRouted;
    counter(registry, 'switchboard_messages_received_total', 'Messages of clients, refused ones included.', received);
    counter(registry, 'switchboard_messages_routed_total', 'Messages put on the connection of one receiver.', routed);
    counter(registry, 'switchboard_messages_broadcast_total', 'Broadcasts.', () => counters.broadcasts);
    const delivered = 'Messages put on connections; a broadcast or a room message counts once for each receiver.';
    counter(registry, 'switchboard_messages_delivered_total', delivered, () => routed() + counters.fannedOut);
    const refused = 'Messages answered with sys.error, by code; "handler" stands for codes that handlers chose.';
    counterBy(registry, 'switchboard_messages_refused_total', refused, 'code', () =>
      withZeros(ERROR_CODES, counters.refused),
    );
    const shed = 'Deliveries of broadcasts and room messages skipped because the receiver reads too slowly.';
    counter(registry, 'switchboard_messages_shed_total', shed, () => counters.skipped);
    histogram(registry, 'switchboard_fanout', 'Receivers of a broadcast or a room message on this node.', () => [
      [{}, counters.fanout],
    ]);
    const seconds = 'Seconds a handler took, by type; an observable counts until it is subscribed.';
    histogram(registry, 'switchboard_handler_seconds', seconds, () =>
      [...counters.handlers].map(([type, times]) => [{ type }, times] as const),
    );
    gauge(registry, 'switchboard_handlers_running', 'Sessions with a running handler.', () => counters.handlersRunning);
  }
}

function secondsSince(atMs: number | undefined): number {
  return atMs === undefined ? 0 : (performance.now() - atMs) / 1000;
}

function limitedBy({ handshakes, refused, rateLimitedControlFrames }: Counters): ReadonlyMap<string, number> {
  const rateLimited = (refused.get('rate_limited') ?? 0) + rateLimitedControlFrames;
  return new Map([
    ...LIMITED_HANDSHAKES.map((code) => [`refused.${code}`, handshakes.get(code) ?? 0] as const),
    ...LIMITED_MESSAGES.map((code) => [`answered.${code}`, refused.get(code) ?? 0] as const),
    ['answered.rate_limited', rateLimited],
  ]);
}
