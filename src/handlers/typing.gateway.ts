import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { IsBoolean, IsString } from 'class-validator';
import { MessagingGateway } from '../gateway/messaging-gateway.decorator.js';
import { Sender } from '../gateway/sender.decorator.js';
import { Switchboard } from '../messaging/switchboard.js';
import { Session } from '../sessions/session.js';

class TypingDto {
  /** The id of the session that is being written to. */
  @IsString()
  to!: string;

  @IsBoolean()
  typing!: boolean;
}

/** Worked example: passes a typing notice on to one session, in the name of the sender. */
@MessagingGateway()
export class TypingGateway {
  constructor(private readonly switchboard: Switchboard) {}

  @SubscribeMessage('demo.typing')
  typing(@MessageBody() { to, typing }: TypingDto, @Sender() sender: Session): void {
    this.switchboard.send(sender, to, 'demo.typing', { typing });
  }
}
