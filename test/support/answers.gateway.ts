import {
  BadRequestException,
  Catch,
  ForbiddenException,
  Injectable,
  ParseIntPipe,
  UseFilters,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { ConnectedSocket, MessageBody, SubscribeMessage, WsException, type WsResponse } from '@nestjs/websockets';
import { Type } from 'class-transformer';
import { IsInt, IsString, MaxLength, ValidateNested } from 'class-validator';
import { concat, EMPTY, from, map, of, throwError, type Observable } from 'rxjs';
import type { GatewaySocket } from '../../src/gateway/gateway-socket.js';
import { MessagingGateway } from '../../src/gateway/nest/messaging-gateway.decorator.js';
import { Sender } from '../../src/gateway/nest/session.decorators.js';
import { Session } from '../../src/sessions/session.js';

class PlaceDto {
  @IsInt()
  row!: number;
}

class SeatDto {
  @IsString()
  @MaxLength(10)
  name!: string;

  @ValidateNested()
  @Type(() => PlaceDto)
  place!: PlaceDto;
}

@Injectable()
class DenyGuard implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

@Injectable()
class ThrowingGuard implements CanActivate {
  canActivate(): boolean {
    throw new ForbiddenException('members only');
  }
}

@Injectable()
class WrapInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> {
    const pattern = context.switchToWs().getPattern();
    return next.handle().pipe(map((value) => ({ pattern, value })));
  }
}

class Weather extends Error {}

@Catch(Weather)
class WeatherFilter implements ExceptionFilter<Weather> {
  catch(): never {
    throw new WsException({ code: 'rained_off', message: 'it rains' });
  }
}

/** Handlers with every kind of answer and failure. */
@MessagingGateway()
export class AnswersGateway {
  @SubscribeMessage('a.value')
  value(@MessageBody() body: unknown): unknown {
    return { got: body };
  }

  @SubscribeMessage('a.raw')
  raw(@MessageBody() body: unknown): unknown {
    return body;
  }

  @SubscribeMessage('a.promise')
  async promise(@MessageBody() body: unknown): Promise<unknown> {
    return Promise.resolve(body);
  }

  @SubscribeMessage('a.nothing')
  nothing(): void {
    return undefined;
  }

  @SubscribeMessage('a.response')
  response(@MessageBody() body: WsResponse<unknown>): WsResponse<unknown> {
    return { event: body.event, data: body.data };
  }

  @SubscribeMessage('a.observable')
  observable(@MessageBody() body: unknown): Observable<unknown> {
    return from(body as unknown[]);
  }

  @SubscribeMessage('a.empty')
  empty(): Observable<unknown> {
    return EMPTY;
  }

  @SubscribeMessage('a.broken-stream')
  brokenStream(): Observable<unknown> {
    return concat(
      of(1, 2),
      throwError(() => new WsException('the stream ended early')),
    );
  }

  /** JSON has no big integers. */
  @SubscribeMessage('a.unserializable')
  unserializable(): unknown {
    return { big: 1n };
  }

  @SubscribeMessage('a.unserializable-stream')
  unserializableStream(): Observable<unknown> {
    return of(1, 2n, 3, 4n, 5);
  }

  @SubscribeMessage('a.dto')
  dto(@MessageBody() seat: SeatDto): unknown {
    return { class: seat.constructor.name, place: seat.place.constructor.name };
  }

  @SubscribeMessage('a.pipe')
  pipe(@MessageBody('number', ParseIntPipe) number: number): number {
    return number;
  }

  @UseGuards(DenyGuard)
  @SubscribeMessage('a.guarded')
  guarded(): string {
    return 'never returned';
  }

  @UseGuards(ThrowingGuard)
  @SubscribeMessage('a.guard-throws')
  guardThrows(): string {
    return 'never returned';
  }

  @UseInterceptors(WrapInterceptor)
  @SubscribeMessage('a.intercepted')
  intercepted(@MessageBody() body: unknown): unknown {
    return body;
  }

  @UseFilters(new WeatherFilter())
  @SubscribeMessage('a.filtered')
  filtered(): never {
    throw new Weather('internal text');
  }

  @SubscribeMessage('a.throw')
  throw(@MessageBody() { kind }: { kind: string }): never {
    throw THROWN[kind]!();
  }

  @SubscribeMessage('a.who-am-i')
  whoAmI(@Sender() sender: Session, @ConnectedSocket() socket: GatewaySocket): unknown {
    return { id: sender.id, same: socket.session === sender };
  }
}

const THROWN: Readonly<Record<string, () => unknown>> = {
  text: () => new WsException('not today'),
  code: () => new WsException({ code: 'sold_out', message: 'none left' }),
  'bad code': () => new WsException({ code: 'Sold Out', message: 'none left' }),
  'no code': () => new WsException({ message: 'none left' }),
  error: () => new Error('password=hunter2'),
  'type error': () => new TypeError('password=hunter2'),
  string: () => 'password=hunter2',
  undefined: () => undefined,
  null: () => null,
  'bad request': () => new BadRequestException('row must be a number'),
};

/** A second gateway class on the same connection, with hooks. */
@MessagingGateway()
export class SecondGateway {
  /** Departed sessions, and whether each had ended when the hook ran. */
  readonly departures: { readonly id: string; readonly ended: boolean }[] = [];

  handleConnection(socket: GatewaySocket): void {
    socket.send(JSON.stringify({ type: 'hook', sender: 'server', receiver: socket.session?.id }));
  }

  handleDisconnect(socket: GatewaySocket): void {
    const { id, closed } = socket.session!;
    this.departures.push({ id, ended: closed });
  }

  @SubscribeMessage('b.value')
  value(): string {
    return 'from the second';
  }
}
