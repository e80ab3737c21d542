import { Module } from '@nestjs/common';
import { SubscribeMessage } from '@nestjs/websockets';
import { createApp, startApp } from '../../dist/standalone/app.js';
import { MessagingGateway } from '../../dist/gateway/nest/messaging-gateway.decorator.js';
import { HandlersModule } from '../../dist/handlers/handlers.module.js';
import { drainOnSignals, logUnhandledRejections } from '../../dist/standalone/signals.js';

/** Starts the server as `main.ts` does, with one more handler, which never answers. */
class WaitGateway {
  wait() {
    return new Promise(() => undefined);
  }
}
const descriptor = Object.getOwnPropertyDescriptor(WaitGateway.prototype, 'wait');
SubscribeMessage('attack.wait')(WaitGateway.prototype, 'wait', descriptor);
MessagingGateway()(WaitGateway);

class WaitModule {}
Module({ providers: [WaitGateway] })(WaitModule);

const app = await createApp({ handlers: [HandlersModule, WaitModule] });
logUnhandledRejections(app);
await startApp(app);
drainOnSignals(app);
