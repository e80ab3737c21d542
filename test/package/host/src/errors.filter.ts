import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

/** Answers every error of the host in a form of its own. */
@Catch()
export class ErrorsFilter implements ExceptionFilter {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const status = error instanceof HttpException ? error.getStatus() : 500;
    const detail = error instanceof HttpException ? error.getResponse() : 'internal';
    this.adapterHost.httpAdapter.reply(host.switchToHttp().getResponse(), { problem: { status, detail } }, status);
  }
}
