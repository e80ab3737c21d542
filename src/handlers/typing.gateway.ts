import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { IsBoolean, IsString } from 'class-validator';
import { MessagingGateway } from '../gateway/nest/messaging-gateway.decorator.js';
import { Sender } from '../gateway/nest/session.decorators.js';
import { Switchboard } from '../messaging/switchboard.js';
import { Describe } from '../protocol/index.js';
import { Session } from '../sessions/session.js';

class TypingDto {
  @Describe('The id of the session that is being written to.')
  @IsString()
  to!: string;

  @IsBoolean()
  typing!: boolean;
}

/** Worked example: passes a typing notice on to one session, in the name of the sender. */
@MessagingGateway()
export class TypingGateway {
  constructor(private readonly switchboard: Switchboard) {}

  @Describe('Tells a session that you are writing to it.', { to: 'kCgk0l3w.9bXr3Tq7Lm2Vh0Ys', typing: true })
  @SubscribeMessage('demo.typing')
  typing(@MessageBody() { to, typing }: TypingDto, @Sender() sender: Session): void {
    this.switchboard.send(sender, to, 'demo.typing', { typing });
  }
}
