import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import { ParamsTokenFactory, PipesConsumer } from '@nestjs/core/internal';
import { markRefusedBody } from '../dispatch/exception-mapping.js';

const tokens = new ParamsTokenFactory();

/** Runs the pipes of a parameter, and marks the exceptions with which they refuse a body. */
export class HandlerPipes extends PipesConsumer {
  override async apply(value: unknown, metadata: ArgumentMetadata, pipes: PipeTransform[]): Promise<unknown> {
    const type = tokens.exchangeEnumForString(metadata.type as unknown as number);
    try {
      return await this.applyPipes(value, { ...metadata, type }, pipes);
    } catch (error) {
      markRefusedBody(error);
      throw error;
    }
  }
}
