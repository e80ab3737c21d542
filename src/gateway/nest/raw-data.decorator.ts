import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { hasParameter } from './session.decorators.js';

const textOf = (_: unknown, context: ExecutionContext): unknown => context.switchToWs().getData<unknown>();

/**
 * Injects the JSON text of `data`, unchecked and not parsed: `@RawData() text: string | undefined`. For numbers that
 * JavaScript cannot hold, such as `9007199254740993`. Guards and interceptors of the handler get the text, too.
 */
export const RawData = createParamDecorator(textOf);

/** Returns whether a handler has a parameter with {@link RawData}. */
export function takesText(gateway: object, method: string): boolean {
  return hasParameter(gateway, method, textOf);
}
