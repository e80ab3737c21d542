import { Injectable } from '@nestjs/common';
import type { Registry } from 'prom-client';
import { Backplane } from '../../cluster/backplane.js';
import { NodeState } from '../../node/node-state.js';
import { Counters } from '../../telemetry/counters.js';
import { counterBy, gauge, withZeros } from './metric.js';

/** Exposes this node as a part of its cluster: its drain, its backplane, and the connections that it pipes. */
@Injectable()
export class ClusterMetrics {
  constructor(
    private readonly nodeState: NodeState,
    private readonly backplane: Backplane,
    private readonly counters: Counters,
  ) {}

  /** Registers the metrics. */
  addTo(registry: Registry): void {
    const { backplane, counters } = this;
    gauge(registry, 'switchboard_draining', '1 while this node drains.', () =>
      Number(this.nodeState.phase === 'draining'),
    );
    const linked = 'Whether messages of this node come back from the backplane, or it needs none.';
    gauge(registry, 'switchboard_backplane_linked', linked, () => Number(backplane.outage === undefined));
    gauge(registry, 'switchboard_backplane_nodes', 'Other nodes that are alive.', () => backplane.peerCount);
    const waiting = 'Messages to other nodes that are not yet answered.';
    gauge(registry, 'switchboard_backplane_waiting', waiting, () => backplane.waiting);
    const pipes = 'Connections that this node pipes to the nodes of their sessions.';
    gauge(registry, 'switchboard_pipes', pipes, () => counters.pipes);
    const returns =
      'Returns to sessions of other nodes by way of this node, by outcome: piped, no_return or unavailable.';
    counterBy(registry, 'switchboard_remote_returns_total', returns, 'outcome', () =>
      withZeros(['piped', 'no_return', 'unavailable'], counters.remoteReturns),
    );
  }
}
