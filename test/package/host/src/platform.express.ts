import type { INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

export function createHost(module: Type): Promise<INestApplication> {
  return NestFactory.create(module);
}
