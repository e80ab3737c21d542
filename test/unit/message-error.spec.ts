import { expect, it } from 'vitest';
import { MessageError } from '../../src/protocol/index.js';

it('makes an error of a message without a stack, because a flood of such messages would cost most of its time there', () => {
  const { stackTraceLimit } = Error;
  const { stack, message, code } = MessageError.of('receiver_overloaded', '1');
  expect(stack).toBe(`Error: ${message}`);
  expect(code).toBe('receiver_overloaded');
  expect(Error.stackTraceLimit).toBe(stackTraceLimit);
  expect(new Error('any other').stack).toContain('\n    at ');
});
