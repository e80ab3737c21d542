import { Controller, Injectable, Module, Post } from '@nestjs/common';
import { SubscribeMessage } from '@nestjs/websockets';
import { MessagingGateway } from '../../src/gateway/nest/messaging-gateway.decorator.js';
import { Sender } from '../../src/gateway/nest/session.decorators.js';
import { Emits } from '../../src/messaging/emits.js';
import { Switchboard } from '../../src/messaging/switchboard.js';
import { SERVER } from '../../src/protocol/index.js';
import { Session } from '../../src/sessions/session.js';

/** The types of {@link EmittingModule} that clients may not send. */
export const EMITTED = ['e.class', 'e.second', 'e.method', 'e.event', 'e.base', 'e.service', 'e.factory', 'e.web'];

@Emits('e.base')
class BaseGateway {}

@Emits('e.class', 'e.second')
@MessagingGateway()
class EmittingGateway extends BaseGateway {
  constructor(private readonly switchboard: Switchboard) {
    super();
  }

  /** Sends all emitted types as the session and as the server. */
  @Emits('e.method', 'e.claimed')
  @SubscribeMessage('e.send')
  send(@Sender() sender: Session): void {
    for (const type of EMITTED) {
      this.switchboard.broadcast(sender, type, 'of a session');
      this.switchboard.broadcast(SERVER, type, 'of the server');
    }
  }

  @Emits('e.event')
  @SubscribeMessage('e.ask')
  ask(): { event: string; data: number } {
    return { event: 'e.event', data: 1 };
  }

  @SubscribeMessage('e.claimed')
  claimed(): string {
    return 'handled';
  }
}

@Emits('e.service')
@Injectable()
class EmittingService {}

@Emits('e.factory')
class MadeService {}

@Controller('emitting')
class EmittingController {
  @Emits('e.web')
  @Post()
  post(): void {}
}

/** Emits types from each kind of class that can. */
@Module({
  controllers: [EmittingController],
  providers: [EmittingGateway, EmittingService, { provide: 'made', useFactory: () => new MadeService() }],
})
export class EmittingModule {}
