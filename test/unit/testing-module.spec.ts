import { Test } from '@nestjs/testing';
import { expect, it } from 'vitest';
import { TypingGateway } from '../../src/handlers/typing.gateway.js';
import { Switchboard } from '../../src/index.js';
import type { Session } from '../../src/sessions/session.js';

it('a testing module of Nest creates a gateway with the providers of the test', async () => {
  const sent: unknown[][] = [];
  const switchboard = { send: (...parameters: unknown[]) => sent.push(parameters) };
  const module = await Test.createTestingModule({
    providers: [TypingGateway, { provide: Switchboard, useValue: switchboard }],
  }).compile();
  const sender = { id: 'a' } as Session;
  module.get(TypingGateway).typing({ to: 'b', typing: true }, sender);
  expect(sent).toEqual([[sender, 'b', 'demo.typing', { typing: true }]]);
});
