import {
  Injectable,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { MessageBody, SubscribeMessage, type WsResponse } from '@nestjs/websockets';
import { finalize, map, Subject, type Observable } from 'rxjs';
import { MessagingGateway } from '../../src/gateway/nest/messaging-gateway.decorator.js';
import { Sender } from '../../src/gateway/nest/session.decorators.js';
import { Switchboard } from '../../src/messaging/switchboard.js';
import { Session } from '../../src/sessions/session.js';

@Injectable()
export class ExclaimInterceptor implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler<string>): Observable<string> {
    return next.handle().pipe(map((text) => `${text}!`));
  }
}

/** Handlers that continue when the test opens their gate, and record their progress. */
@MessagingGateway()
export class GatesGateway {
  /** Calls in order, by the name in the body. */
  readonly started: string[] = [];
  readonly finished: string[] = [];
  /** Streams that were unsubscribed. */
  readonly stopped: string[] = [];
  readonly streams = new Map<string, Subject<unknown>>();
  readonly #gates = new Map<string, () => void>();
  #wake: () => void = () => undefined;

  constructor(private readonly switchboard: Switchboard) {}

  /** Waits at a gate, then returns its name. */
  @SubscribeMessage('gate')
  async gate(@MessageBody() name: string): Promise<string> {
    await this.#pass(name);
    return name;
  }

  @UseInterceptors(ExclaimInterceptor)
  @SubscribeMessage('gate.intercepted')
  async intercepted(@MessageBody() name: string): Promise<string> {
    await this.#pass(name);
    return name;
  }

  /** Waits at a gate, then sends in the name of the session. */
  @SubscribeMessage('gate.send')
  async send(@MessageBody() name: string, @Sender() sender: Session): Promise<WsResponse<string>> {
    await this.#pass(name);
    this.switchboard.send(sender, '*', 'sent', name);
    return { event: 'sent', data: name };
  }

  /** Fails after the gate. */
  @SubscribeMessage('gate.fail')
  async fail(@MessageBody() name: string): Promise<never> {
    await this.#pass(name);
    throw new Error(`failed late: ${name}`);
  }

  @SubscribeMessage('stream')
  stream(@MessageBody() name: string): Observable<unknown> {
    return this.#stream(name);
  }

  @UseInterceptors(ExclaimInterceptor)
  @SubscribeMessage('stream.intercepted')
  streamIntercepted(@MessageBody() name: string): Observable<unknown> {
    return this.#stream(name);
  }

  /** Lets a waiting handler continue. */
  open(name: string): void {
    const gate = this.#gates.get(name);
    if (gate === undefined) throw new Error(`no handler waits at ${name}`);
    gate();
  }

  /** Resolves when the handler of this name has been called, finished or stopped. */
  async until(list: 'started' | 'finished' | 'stopped', name: string): Promise<void> {
    while (!this[list].includes(name)) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  async #pass(name: string): Promise<void> {
    this.#record('started', name);
    await new Promise<void>((resolve) => this.#gates.set(name, resolve));
    this.#record('finished', name);
  }

  #stream(name: string): Observable<unknown> {
    const subject = new Subject<unknown>();
    this.streams.set(name, subject);
    this.#record('started', name);
    return subject.pipe(finalize(() => this.#record('stopped', name)));
  }

  #record(list: 'started' | 'finished' | 'stopped', name: string): void {
    this[list].push(name);
    this.#wake();
  }
}
