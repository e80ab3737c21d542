import { WsAdapter } from '@nestjs/platform-ws';
// After the first import, which loads the metadata library that this file of Nest needs.
import { WebSocketsController } from '@nestjs/websockets/web-sockets-controller.js';
import { expect, it, onTestFinished } from 'vitest';
import { takeInitHooks } from '../../src/standalone/nest-hooks.js';

const nest = WebSocketsController.prototype as unknown as Record<string, unknown>;

it('a version of Nest that calls afterInit by another method is refused', () => {
  const { subscribeInitEvent } = nest;
  onTestFinished(() => void (nest['subscribeInitEvent'] = subscribeInitEvent));
  delete nest['subscribeInitEvent'];
  expect(() => takeInitHooks(new WsAdapter())).toThrow(
    'unsupported version of "@nestjs/websockets": it has no subscribeInitEvent; install the version in package.json',
  );
});
