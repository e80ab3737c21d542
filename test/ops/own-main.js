// The main file of a team: it prints each hook to the log, and calls what the variable STOP lists, in this order.
import { Logger, Module } from '@nestjs/common';
import { SubscribeMessage } from '@nestjs/websockets';
import { NodeState } from '../../dist/node/node-state.js';
import { createApp, drainOnSignals, MessagingGateway, startApp } from '../../dist/index.js';

const logger = new Logger('own main');
const say = (message, fields = {}) => logger.warn(message, fields);

class Database {
  onModuleDestroy() {
    say('onModuleDestroy');
  }

  beforeApplicationShutdown(signal) {
    say('beforeApplicationShutdown', { signal });
  }

  async onApplicationShutdown(signal) {
    if (process.env.STUCK === 'yes') await new Promise(() => setInterval(() => undefined, 1000));
    say('onApplicationShutdown', { signal });
  }
}

class Slow {
  /** Answers once the drain has begun. */
  async slow() {
    say('handler began');
    await new Promise((resolve) => app.get(NodeState, { strict: false }).onDraining(() => resolve()));
    return 'done';
  }

  async onSessionDeparture() {
    await new Promise((resolve) => setTimeout(resolve, 50));
    say('departure recorded');
  }
}
MessagingGateway()(Slow);
SubscribeMessage('slow')(Slow.prototype, 'slow', Object.getOwnPropertyDescriptor(Slow.prototype, 'slow'));

class OwnModule {}
Module({ providers: [Database, Slow] })(OwnModule);

const app = await createApp({ handlers: [OwnModule] });
const steps = {
  drain: () => drainOnSignals(app),
  hooks: () => app.enableShutdownHooks(),
  exit: () => app.enableShutdownHooks(undefined, { useProcessExit: true }),
  reraise: () => app.enableShutdownHooks(undefined, { useProcessExit: false }),
  start: () => startApp(app),
  close: () => process.on('SIGUSR1', () => void app.close()),
};
for (const step of process.env.STOP.split(' ')) await steps[step]();
