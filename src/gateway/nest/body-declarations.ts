import { PIPES_METADATA } from '@nestjs/common/constants.js';
import { PARAM_ARGS_METADATA } from '@nestjs/websockets/constants.js';
import { WsParamtype } from '@nestjs/websockets/enums/ws-paramtype.enum.js';
import { BODY_PIPE } from './body-pipe.js';
import { BodyShape } from './body-shape.js';
import { schemaOf } from './body-schema.js';
import type { ExploredGateway, GatewayClass } from './gateway-explorer.js';
import { validates } from './handler-pipes.js';
import { takesText } from './raw-data.decorator.js';

/** A parameter as the decorators of Nest leave it in the metadata of its method. */
interface Parameter {
  readonly index: number;
  /** Name of the field in `@MessageBody('field')`. */
  readonly data?: unknown;
  readonly pipes?: readonly unknown[];
  readonly schema?: unknown;
}

const BODY = `${WsParamtype.PAYLOAD}:`;
/** Nest passes the body as the second argument of a method without parameter decorators. */
const UNDECORATED: Readonly<Record<string, Parameter>> = { [`${BODY}1`]: { index: 1 } };
/** Types without rules of their own that JSON does not have. */
const WITHOUT_JSON: ReadonlySet<unknown> = new Set<unknown>([
  Date,
  Map,
  Set,
  WeakMap,
  WeakSet,
  Promise,
  RegExp,
  Error,
  Function,
  BigInt,
  Symbol,
  Buffer,
  ArrayBuffer,
  Uint8Array,
]);

/**
 * Checks the declared types of the bodies of all handlers, because a body that nothing can check would reach a handler
 * unchecked. Returns one line for each fault, with the class and the method.
 */
export function bodyFaults(gateways: readonly ExploredGateway[]): readonly string[] {
  return gateways.flatMap(({ metatype, handlers }) => {
    const methods = new Set(handlers.map(({ method }) => method));
    return [...methods].flatMap((method) => methodFaults(metatype, method));
  });
}

function methodFaults(gateway: GatewayClass, method: string): readonly string[] {
  const parameters = (Reflect.getMetadata(PARAM_ARGS_METADATA, gateway, method) ?? UNDECORATED) as Readonly<
    Record<string, Parameter>
  >;
  const bodies = Object.entries(parameters).flatMap(([kind, each]) => (kind.startsWith(BODY) ? [each] : []));
  const where = `${gateway.name}.${method}`;
  if (bodies.length > 0 && takesText(gateway, method))
    return [`${where} has @RawData() and @MessageBody(); keep one of them`];
  const classPipes = pipesOf(gateway);
  if (!classPipes.includes(BODY_PIPE)) return [];
  const shared = [...classPipes, ...pipesOf((gateway.prototype as Readonly<Record<string, object>>)[method]!)];
  const declared = (Reflect.getMetadata('design:paramtypes', gateway.prototype, method) ?? []) as readonly unknown[];
  return bodies.flatMap((body) => {
    const fault = faultOf(declared[body.index], body, [...shared, ...(body.pipes ?? [])]);
    return fault === undefined ? [] : [`${where}: parameter ${body.index + 1} ${fault}`];
  });
}

/** Returns the reason why nothing can check a body of this type, with a remedy; `undefined` where something can. */
function faultOf(declared: unknown, { schema, data }: Parameter, pipes: readonly unknown[]): string | undefined {
  if (typeof data === 'string' && data in Object.prototype)
    return `reads the field "${data}", which every object of JavaScript has; rename the field`;
  if (schemaOf(declared, schema) !== undefined || pipes.some(decides)) return undefined;
  if (declared === Array)
    return 'is an array, whose items nothing checks; write @MessageBody(new ParseArrayPipe({ items: ItemDto })), or declare it as unknown';
  if (WITHOUT_JSON.has(declared))
    return `is a ${(declared as { name: string }).name}, which JSON does not have; declare it as string or number, or add a pipe that makes it`;
  if (!isClass(declared) || pipes.some(isValidator) || !BodyShape.of(declared).isEmpty) return undefined;
  return `is a ${declared.name}, a class without rules, so that every field would be refused; add rules of class-validator, such as @IsString() or @Allow(), or declare it as unknown`;
}

/** Returns whether a pipe of the team decides about any declared type. */
function decides(pipe: unknown): boolean {
  if (pipe === BODY_PIPE) return false;
  return !isValidator(pipe) || (typeof pipe === 'object' && 'expectedType' in pipe! && pipe.expectedType !== undefined);
}

function isValidator(pipe: unknown): boolean {
  return validates(typeof pipe === 'function' ? pipe.prototype : pipe);
}

function isClass(declared: unknown): declared is new () => object {
  return typeof declared === 'function' && ![Object, String, Number, Boolean].some((each) => each === declared);
}

function pipesOf(target: object): readonly unknown[] {
  return (Reflect.getMetadata(PIPES_METADATA, target) ?? []) as readonly unknown[];
}
