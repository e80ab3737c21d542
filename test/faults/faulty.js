import { Catch, Module, UseFilters, UseGuards, UseInterceptors } from '@nestjs/common';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { throwError } from 'rxjs';
import { createApp, startApp } from '../../dist/standalone/app.js';
import { MessagingGateway } from '../../dist/gateway/nest/messaging-gateway.decorator.js';
import { drainOnSignals, logUnhandledRejections } from '../../dist/standalone/signals.js';

/** Starts the server as `main.ts` does, with handlers that fail in every hook and one that blocks the event loop. */
const fail = (/** @type {string} */ where) => {
  throw new Error(where);
};

const guard = { canActivate: () => fail('guard') };
const pipe = { transform: () => fail('pipe') };
const interceptor = { intercept: () => fail('interceptor') };
class BrokenFilter {
  catch() {
    fail('filter');
  }
}
Catch()(BrokenFilter);

class FaultyGateway {
  #connections = 0;

  afterInit() {
    fail('afterInit');
  }

  /** Alternates between a throw and a rejection. */
  handleConnection() {
    return this.#connections++ % 2 === 0
      ? fail('handleConnection')
      : Promise.reject(new Error('handleConnection later'));
  }

  handleDisconnect() {
    fail('handleDisconnect');
  }

  onSessionArrival() {
    fail('onSessionArrival');
  }

  async onSessionDeparture() {
    await Promise.reject(new Error('onSessionDeparture'));
  }

  guard() {}

  pipe() {}

  interceptor() {}

  filter() {
    fail('filtered');
  }

  sync() {
    fail('sync');
  }

  async async() {
    await Promise.reject(new Error('async'));
  }

  observable() {
    return throwError(() => new Error('observable'));
  }

  /** @param {number} ms */
  block(ms) {
    for (const end = performance.now() + ms; performance.now() < end;);
  }
}

const shared = FaultyGateway.prototype;
const adorn = (/** @type {string} */ name, /** @type {MethodDecorator[]} */ ...decorators) => {
  const descriptor = Object.getOwnPropertyDescriptor(shared, name);
  for (const decorate of [...decorators, SubscribeMessage(`faulty.${name}`)]) decorate(shared, name, descriptor);
};
adorn('guard', UseGuards(guard));
MessageBody(pipe)(shared, 'pipe', 0);
adorn('pipe');
adorn('interceptor', UseInterceptors(interceptor));
adorn('filter', UseFilters(new BrokenFilter()));
for (const name of ['sync', 'async', 'observable']) adorn(name);
MessageBody()(shared, 'block', 0);
adorn('block');
MessagingGateway()(FaultyGateway);

class FaultyModule {}
Module({ providers: [FaultyGateway] })(FaultyModule);

const app = await createApp({ handlers: [FaultyModule] });
drainOnSignals(app);
logUnhandledRejections(app);
await startApp(app);
