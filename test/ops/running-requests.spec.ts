import { Body, Controller, Get, Injectable, Module, Post } from '@nestjs/common';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Drain } from '../../src/ops/shutdown/drain.js';
import { Counters } from '../../src/telemetry/counters.js';
import { ask } from '../support/ask.js';
import { Deferred } from '../support/deferred.js';
import { request } from '../support/raw-http.js';
import { startServer, type TestServer } from '../support/server.js';

/** Shows when requests of the test arrive, and decides when they are answered. */
@Injectable()
class Gate {
  began = new Deferred();
  answer = new Deferred<string>();
}

@Controller()
class WaitingController {
  constructor(private readonly gate: Gate) {}

  @Get('waits')
  waits(): Promise<string> {
    this.gate.began.resolve();
    return this.gate.answer.promise;
  }

  @Get('waits/later')
  waitsLater(): Promise<string> {
    return new Promise(() => undefined);
  }

  @Post('body')
  body(@Body() body: unknown): unknown {
    return body;
  }
}

@Module({ providers: [Gate], controllers: [WaitingController] })
class WaitingModule {}

const GET = request('GET /waits HTTP/1.1', ['Host: localhost']);

let server: TestServer;
let gate: Gate;
let counters: Counters;
beforeEach(async () => {
  // Longer than a test may take, so that a drain that waits for its deadline fails.
  server = await startServer({ DRAIN_TIMEOUT_MS: '600000' }, [WaitingModule]);
  gate = server.app.get(Gate, { strict: false });
  counters = server.app.get(Counters);
});
afterEach(() => server.stop());

async function open(bytes: string): Promise<Socket> {
  const socket = connectTcp(server.port, '127.0.0.1').on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(bytes);
  return socket;
}

describe('running requests', () => {
  it.each(['resets', 'ends'])(
    'are not counted once their client %s the connection, pipelined ones included',
    async (how) => {
      const socket = await open(GET + GET + GET);
      await expect.poll(() => counters.requestsRunning.size).toBe(3);
      if (how === 'resets') socket.resetAndDestroy();
      else socket.destroy();
      await expect.poll(() => counters.requestsRunning.size).toBe(0);
      gate.answer.resolve('too late');
      await ask(`http://127.0.0.1:${server.port}/waits`);
      await expect.poll(() => counters.requestsRunning.size).toBe(0);
    },
  );
});

describe('a drain', () => {
  it('waits for the answer to a complete request', async () => {
    const answer = ask(`http://127.0.0.1:${server.port}/waits`);
    await gate.began.promise;
    let isDrained = false;
    const drained = server.app
      .get(Drain)
      .run()
      .then(() => (isDrained = true));
    expect((await ask(`http://127.0.0.1:${server.port}/health/live`)).status).toBe(200);
    expect(isDrained).toBe(false);
    gate.answer.resolve('done');
    expect((await answer).body).toBe('done');
    await drained;
  });

  it('does not wait for a body that its client does not send', async () => {
    const headers = ['Host: localhost', 'Content-Type: application/json', 'Content-Length: 9'];
    await open(`${request('POST /body HTTP/1.1', headers)}{"a":`);
    await expect.poll(() => counters.requestsRunning.size).toBe(1);
    await server.app.get(Drain).run();
    expect(counters.requestsRunning.size).toBe(1);
  });

  it('does not wait for a request that came after its begin', async () => {
    const first = ask(`http://127.0.0.1:${server.port}/waits`);
    await gate.began.promise;
    const drained = server.app.get(Drain).run();
    await open(request('GET /waits/later HTTP/1.1', ['Host: localhost']));
    await expect.poll(() => counters.requestsRunning.size).toBe(2);
    gate.answer.resolve('done');
    await Promise.all([first, drained]);
    expect(counters.requestsRunning.size).toBe(1);
  });
});
