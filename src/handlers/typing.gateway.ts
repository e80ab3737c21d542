import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { IsBoolean, Matches } from 'class-validator';
import { MessagingGateway } from '../gateway/nest/messaging-gateway.decorator.js';
import { Sender } from '../gateway/nest/session.decorators.js';
import { Switchboard } from '../messaging/switchboard.js';
import { Describe, SESSION_ID } from '../protocol/index.js';
import { Session } from '../sessions/session.js';

class TypingDto {
  @Describe('The id of the session to notify.')
  @Matches(SESSION_ID) // `send` would accept a user, a room and everyone too, and asks no permission
  to!: string;

  @IsBoolean()
  typing!: boolean;
}

/** Worked example: sends a typing notice to one session, with the sender's id. */
@MessagingGateway()
export class TypingGateway {
  constructor(private readonly switchboard: Switchboard) {}

  @Describe('Notifies a session that you are typing a message to it.', {
    to: 'kCgk0l3w.9bXr3Tq7Lm2Vh0Ys',
    typing: true,
  })
  @SubscribeMessage('demo.typing')
  typing(@MessageBody() { to, typing }: TypingDto, @Sender() sender: Session): void {
    this.switchboard.send(sender, to, 'demo.typing', { typing });
  }
}
