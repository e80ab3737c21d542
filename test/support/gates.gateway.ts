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
export class Shouting implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler<string>): Observable<string> {
    return next.handle().pipe(map((text) => `${text}!`));
  }
}

/** Handlers that go on when the test says so, and tell the test how far they are. */
@MessagingGateway()
export class GatesGateway {
  /** What was called, in order, by the name in the body. */
  readonly started: string[] = [];
  readonly finished: string[] = [];
  /** Streams that were stopped from outside. */
  readonly stopped: string[] = [];
  readonly streams = new Map<string, Subject<unknown>>();
  readonly #gates = new Map<string, () => void>();
  #wake: () => void = () => undefined;

  constructor(private readonly switchboard: Switchboard) {}

  /** Waits at a gate, then answers with its name. */
  @SubscribeMessage('gate')
  async gate(@MessageBody() name: string): Promise<string> {
    await this.#pass(name);
    return name;
  }

  @UseInterceptors(Shouting)
  @SubscribeMessage('gate.intercepted')
  async intercepted(@MessageBody() name: string): Promise<string> {
    await this.#pass(name);
    return name;
  }

  /** Waits at a gate, then speaks in the name of the session. */
  @SubscribeMessage('gate.speak')
  async speak(@MessageBody() name: string, @Sender() sender: Session): Promise<WsResponse<string>> {
    await this.#pass(name);
    this.switchboard.send(sender, '*', 'spoken', name);
    return { event: 'spoken', data: name };
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

  @UseInterceptors(Shouting)
  @SubscribeMessage('stream.intercepted')
  streamIntercepted(@MessageBody() name: string): Observable<unknown> {
    return this.#stream(name);
  }

  /** Lets a waiting handler go on. */
  open(name: string): void {
    const gate = this.#gates.get(name);
    if (gate === undefined) throw new Error(`nobody waits at ${name}`);
    gate();
  }

  /** Resolves when the handler of this name has been called, finished or stopped. */
  async until(list: 'started' | 'finished' | 'stopped', name: string): Promise<void> {
    while (!this[list].includes(name)) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  async #pass(name: string): Promise<void> {
    this.#note('started', name);
    await new Promise<void>((resolve) => this.#gates.set(name, resolve));
    this.#note('finished', name);
  }

  #stream(name: string): Observable<unknown> {
    const subject = new Subject<unknown>();
    this.streams.set(name, subject);
    this.#note('started', name);
    return subject.pipe(finalize(() => this.#note('stopped', name)));
  }

  #note(list: 'started' | 'finished' | 'stopped', name: string): void {
    this[list].push(name);
    this.#wake();
  }
}
