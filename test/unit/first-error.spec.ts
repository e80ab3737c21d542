import {
  Allow,
  ArrayMaxSize,
  IsArray,
  IsDefined,
  IsHexadecimal,
  IsInt,
  IsOptional,
  IsString,
  Length,
  Max,
  Min,
  Validate,
  validate,
  ValidateBy,
  ValidateIf,
  ValidateNested,
  type ValidationError,
} from 'class-validator';
import { ValidationExecutor } from 'class-validator/cjs/validation/ValidationExecutor.js';
import { describe, expect, it } from 'vitest';
import { brokenRule } from '../../src/gateway/dispatch/validation-text.js';
import { brokenRules, firstErrors, isKnown } from '../../src/gateway/nest/first-error.js';

const asked: unknown[] = [];

/** A rule that answers later. */
class IsFree {
  async validate(name: unknown): Promise<boolean> {
    asked.push(name);
    await Promise.resolve();
    return name !== 'taken';
  }

  defaultMessage(): string {
    return '$property is taken';
  }
}

class Base {
  @IsString({ message: 'id: write a text' })
  id: unknown;

  @Min(1)
  @Max(9)
  size: unknown;
}

class Item {
  @IsInt()
  count: unknown;

  @IsOptional()
  @IsString()
  note: unknown;
}

class Order extends Base {
  @IsHexadecimal()
  @Length(4, 4)
  code: unknown;

  @Max(5)
  declare size: unknown;

  @IsOptional()
  @IsInt({ each: true })
  @ArrayMaxSize(2)
  numbers: unknown;

  @ValidateIf(({ code }: Order) => code === 'beef')
  @IsDefined()
  @IsString()
  reason: unknown;

  @IsOptional()
  @IsArray()
  @ValidateNested({ each: true })
  items: unknown;

  @IsString({ groups: ['admin'] })
  @IsOptional()
  group: unknown;

  @Allow()
  free: unknown;

  @IsOptional()
  @ValidateBy({
    name: 'odd',
    validator: { validate: (value: unknown) => Number(value) % 2 === 1, defaultMessage: () => 'is even' },
  })
  odd: unknown;

  @IsOptional()
  @Validate(IsFree, { context: { help: 'choose another' } })
  @IsString({ context: { help: 'write a text' } })
  name: unknown;
}

const VALID = { id: 'a', size: 3, code: 'cafe' };
const item = (fields: object): Item => Object.assign(new Item(), fields);

describe('the first error of an object', () => {
  it.each([
    {},
    VALID,
    { ...VALID, id: 5 },
    { ...VALID, size: 0 },
    { ...VALID, size: 7 },
    { ...VALID, size: 10 },
    { ...VALID, code: 'xyz' },
    { ...VALID, code: 'abc' },
    { ...VALID, code: 'beef' },
    { ...VALID, code: 'beef', reason: 5 },
    { ...VALID, code: 'beef', reason: 'because' },
    { ...VALID, numbers: [1, 'x'] },
    { ...VALID, numbers: [1, 2, 3] },
    { ...VALID, numbers: null },
    { ...VALID, items: [item({ count: 1 }), item({ count: 'x' })] },
    { ...VALID, items: [item({ count: 1, note: 5 })] },
    { ...VALID, items: [item({ count: 1, note: 'x' })] },
    { ...VALID, items: [item({ count: 1, other: 'x' })] },
    { ...VALID, items: item({ count: 1 }) },
    { ...VALID, items: ['text'] },
    { ...VALID, group: 5 },
    { ...VALID, free: { any: 1 } },
    { ...VALID, odd: 2 },
    { ...VALID, odd: 3 },
    { ...VALID, name: 'free' },
    { ...VALID, name: 'taken' },
    { ...VALID, name: 5 },
    { ...VALID, other: 1 },
    { ...VALID, size: 0, other: 1 },
  ])('is that of class-validator: %j', async (fields) => {
    const order = Object.assign(new Order(), fields);
    const options = { forbidUnknownValues: false, stopAtFirstError: true };
    const whole = await validate(order, { ...options, whitelist: true, forbidNonWhitelisted: true });
    const [first] = await firstErrors(order);
    expect(textOf(first === undefined ? [] : [first])).toBe(textOf(whole));
    expect(first?.contexts).toEqual(whole[0]?.contexts);
    expect(textOf(await brokenRules(order))).toBe(textOf(await validate(order, options)));
  });

  it('asks no rule behind a broken one', async () => {
    asked.length = 0;
    const order = Object.assign(new Order(), { ...VALID, size: 7, name: 'free' });
    expect(textOf(await firstErrors(order))).toContain('size');
    expect(asked).toEqual([]);
  });

  it('is found by class-validator itself in a version with other methods', () => {
    const { prototype } = ValidationExecutor;
    expect(isKnown(prototype)).toBe(true);
    expect(isKnown(Object.create(prototype, { whitelist: { value: undefined } }))).toBe(false);
    expect(isKnown(Object.create(prototype, { createValidationError: { value: () => [] } }))).toBe(false);
  });

  it('needs no promise where no rule is asynchronous', () => {
    expect(firstErrors(Object.assign(new Order(), VALID))).toEqual([]);
  });
});

function textOf([first]: readonly ValidationError[]): string | undefined {
  return first && brokenRule(first, 'data');
}
