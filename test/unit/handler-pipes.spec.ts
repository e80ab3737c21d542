import type { INestApplication, PipeTransform } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { HandlerPipes, useHandlerPipes } from '../../src/gateway/nest/handler-pipes.js';

const applicationWith = (parts: object): INestApplication => parts as INestApplication;

describe('the pipes of handlers', () => {
  it('end the start where a version of Nest keeps its pipes in another place', () => {
    for (const parts of [
      {},
      { socketModule: null },
      { socketModule: { webSocketsController: { contextCreator: {} } } },
    ])
      expect(() => useHandlerPipes(applicationWith(parts))).toThrow('This version of @nestjs/websockets');
  });

  it('are replaced once, however many servers Nest creates', () => {
    const contextCreator = { pipesConsumer: { apply: (value: unknown) => value } };
    const app = applicationWith({ socketModule: { webSocketsController: { contextCreator } } });
    useHandlerPipes(app);
    const first = contextCreator.pipesConsumer;
    useHandlerPipes(app);
    expect(first).toBeInstanceOf(HandlerPipes);
    expect(contextCreator.pipesConsumer).toBe(first);
  });

  it('are those of Nest for gateways with another decorator', () => {
    const calls: unknown[][] = [];
    const pipes: PipeTransform[] = [{ transform: (value: unknown) => value }];
    const nest = { apply: (...parameters: unknown[]) => calls.push(parameters) };
    new HandlerPipes(nest).apply(5, { type: 3 }, pipes);
    expect(calls).toEqual([[5, { type: 3 }, pipes]]);
  });
});
