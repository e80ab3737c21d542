import { BadRequestException } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { fieldMessage } from '../../src/gateway/dispatch/validation-text.js';
import { addPath } from '../../src/gateway/nest/field-paths.js';

describe('the message of a rule', () => {
  it.each([
    ['sides must be an integer', 'data.sides must be an integer'],
    ['each value in sides must be a string', 'each value in data.sides must be a string'],
    ['property sides should not exist', 'data.sides should not exist'],
    ['nested property sides must be either object or array', 'data.sides must be either object or array'],
    ['sidesways is another word', 'data.sides: sidesways is another word'],
    ['too few', 'data.sides: too few'],
    ['', 'data.sides: '],
  ])('gets the path of its field: %s', (message, expected) => {
    expect(fieldMessage(message, 'data', 'sides')).toBe(expected);
  });
});

describe('the exception of a pipe', () => {
  const messageOf = (message: unknown): unknown => {
    const exception = new BadRequestException({ message });
    addPath(exception, 'data.die', (name) => name === 'sides' || name === 'rows');
    return (exception.getResponse() as { message: unknown }).message;
  };

  it.each([
    [['sides must be an integer'], ['data.die.sides must be an integer']],
    [['rows.0.name must be a string'], ['data.die.rows.0.name must be a string']],
    [['rows.0.each value in tags must be a string'], ['each value in data.die.rows.0.tags must be a string']],
    [['rows.0.property x should not exist'], ['data.die.rows.0.x should not exist']],
    [['property x should not exist'], ['data.die.x should not exist']],
    [['too few'], ['data.die: too few']],
    [['[2] sides must be an integer'], ['data.die.2.sides must be an integer']],
    ['[1] item must be a number', 'data.die.1 must be a number'],
    ['Validation failed', 'Validation failed'],
    [[{ path: ['rows', 0, { key: 'name' }], message: 'Expected text' }], ['data.die.rows.0.name: Expected text']],
    [[5], [5]],
    [{ 'rows.0.name': ['name must be a string'] }, ['data.die.rows.0.name must be a string']],
    [undefined, undefined],
  ])('gets the path of the body: %j', (message, expected) => {
    expect(messageOf(message)).toEqual(expected);
  });

  it('stays as it is where it is no exception of Nest', () => {
    const error = new Error('sides must be an integer');
    for (const thrown of [error, undefined, null, 'text', { getResponse: 5 }]) addPath(thrown, 'data', () => true);
    expect(error.message).toBe('sides must be an integer');
  });
});
