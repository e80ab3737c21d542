import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import { WsParamtype } from '@nestjs/websockets/enums/ws-paramtype.enum.js';
import { expect, it } from 'vitest';
import { pipesOf } from '../../src/gateway/nest/handler-pipes.js';

it('the pipes of gateways with another decorator are run by Nest', async () => {
  const types: unknown[] = [];
  const pipe: PipeTransform = {
    transform: (value: unknown, { type }: ArgumentMetadata) => {
      types.push(type);
      return Number(value) + 1;
    },
  };
  const argument = { type: WsParamtype.PAYLOAD, metatype: Number, data: undefined };
  expect(await pipesOf(argument, [pipe, pipe])?.(5)).toBe(7);
  expect(types).toEqual(['body', 'body']);
});
