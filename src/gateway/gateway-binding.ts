import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { HandlerTable } from './dispatch/handler-table.js';
import { GatewayServer } from './gateway-server.js';
import { GatewayInstances } from './nest/gateway-instances.js';
import { HandlerCompiler } from './nest/handler-compiler.js';
import { ResumeHooks } from './nest/resume-hooks.js';
import { SessionHooks } from './nest/session-hooks.js';

/**
 * Binds handlers and hooks of all gateways. Runs when all providers, global pipes, guards and interceptors are known, and
 * before `onModuleInit` of the application's providers, because Nest calls that hook of global modules first.
 */
@Injectable()
export class GatewayBinding implements OnModuleInit {
  constructor(
    private readonly moduleRef: ModuleRef,
    private readonly instances: GatewayInstances,
    private readonly handlerTable: HandlerTable,
    private readonly hooks: SessionHooks,
    private readonly resumeHooks: ResumeHooks,
    private readonly server: GatewayServer,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.instances.createTransient();
    new HandlerCompiler(this.moduleRef, this.server).registerAll(this.handlerTable);
    await this.hooks.start(this.server);
    this.resumeHooks.start();
  }
}
