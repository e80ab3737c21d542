import { createParamDecorator, type ExecutionContext } from '@nestjs/common';

const textOf = (_: unknown, context: ExecutionContext): unknown => context.switchToWs().getData<unknown>();

/**
 * Injects the JSON text of `data`, unchecked and not parsed: `@RawData() text: string | undefined`. For numbers that
 * JavaScript cannot hold, such as `9007199254740993`. Guards and interceptors of the handler get the text, too.
 */
export const RawData = createParamDecorator(textOf);

/** Returns whether the factory of a parameter is that of {@link RawData}. */
export function isRawData(factory: unknown): boolean {
  return factory === textOf;
}
