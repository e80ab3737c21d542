import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { concat, from, NEVER, Subject, type Observable } from 'rxjs';
import { MessagingGateway } from '../../src/gateway/nest/messaging-gateway.decorator.js';

/** Streams that a test ends, or that no one ends. */
@MessagingGateway()
export class TicksGateway {
  /** Values for the sessions that have sent `ticks`. */
  readonly ticks = new Subject<unknown>();

  @SubscribeMessage('ticks')
  follow(): Observable<unknown> {
    return this.ticks;
  }

  /** Sends the values of the body and does not complete. */
  @SubscribeMessage('endless')
  endless(@MessageBody() values: unknown): Observable<unknown> {
    return concat(from(values as unknown[]), NEVER);
  }
}
