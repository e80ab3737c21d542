import { Injectable } from '@nestjs/common';
import type { Registry } from 'prom-client';
import { SlowConsumers } from '../../sessions/slow-consumers.js';
import { EventLoopDelay } from '../../telemetry/event-loop-delay.js';
import { counter, gauge } from './metric.js';
import { SessionMetrics } from './session-metrics.js';

/** Exposes what this process takes: traffic, memory and processor time. */
@Injectable()
export class ProcessMetrics {
  constructor(
    private readonly sessions: SessionMetrics,
    private readonly slowConsumers: SlowConsumers,
    private readonly delay: EventLoopDelay,
  ) {}

  /** Registers the metrics. */
  addTo(registry: Registry): void {
    const { sessions, slowConsumers, delay } = this;
    const [bytesIn, bytesOut] = ['Bytes received on sessions.', 'Bytes sent on sessions.'];
    counter(registry, 'switchboard_received_bytes_total', bytesIn, () => sessions.traffic().bytesIn);
    counter(registry, 'switchboard_sent_bytes_total', bytesOut, () => sessions.traffic().bytesOut);
    const buffered = 'Bytes buffered for sessions whose socket is full, for handlers, and in request bodies.';
    gauge(registry, 'switchboard_buffered_bytes', buffered, () => slowConsumers.totalBytes);
    const mostBuffered = 'The most bytes ever buffered at one time.';
    gauge(registry, 'switchboard_buffered_bytes_max', mostBuffered, () => slowConsumers.mostBytes);
    const [p99, max] = ['Event loop delay, 99th percentile of the last seconds.', 'Event loop delay, maximum.'];
    gauge(registry, 'switchboard_event_loop_delay_p99_seconds', p99, () => delay.recent.p99 / 1000);
    gauge(registry, 'switchboard_event_loop_delay_max_seconds', max, () => delay.recent.max / 1000);
    gauge(registry, 'switchboard_resident_memory_bytes', 'Memory of the process.', () => process.memoryUsage.rss());
    gauge(registry, 'switchboard_heap_used_bytes', 'JavaScript heap in use.', () => process.memoryUsage().heapUsed);
    counter(registry, 'switchboard_cpu_seconds_total', 'Processor time of the process.', cpuSeconds);
    const start = Math.round(Date.now() / 1000 - process.uptime());
    gauge(registry, 'switchboard_start_time_seconds', 'Start of the process, Unix time.', () => start);
  }
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
