import { MessageBody, SubscribeMessage, WsException } from '@nestjs/websockets';
import { Length } from 'class-validator';
import {
  Emits,
  MessagingGateway,
  Receiver,
  Rooms,
  Sender,
  SERVER,
  Session,
  Switchboard,
  type OnRoomJoined,
} from 'switchboard';
import { History } from './history.js';

/** Lines of history for a new member. */
const SHOWN_LINES = 50;

class SayDto {
  @Length(1, 2000) text!: string;
}

/** Keeps the lines that members send to a room. No session can forge what the gateway emits. */
@Emits('chat.line', 'chat.history')
@MessagingGateway()
export class GroupChatGateway implements OnRoomJoined {
  constructor(
    private readonly rooms: Rooms,
    private readonly history: History,
    private readonly switchboard: Switchboard,
  ) {}

  /** Acknowledges the line, and sends it to the other members on all nodes, once it is on the disk. */
  @SubscribeMessage('chat.say')
  async say(
    @MessageBody() { text }: SayDto,
    @Receiver() receiver: string | undefined,
    @Sender() sender: Session,
  ): Promise<void> {
    const room = this.rooms.of(sender).find((each) => receiver === `#${each}`);
    if (room === undefined) throw new WsException({ code: 'not_joined', message: 'Join the room first.' });
    const line = { room, from: sender.user ?? sender.id, text, atMs: Date.now() };
    await this.history.add(line);
    await this.switchboard.deliver(sender, `#${room}`, 'chat.line', line);
  }

  /** Sends a new member the last lines. */
  onRoomJoined(session: Session, room: string): void {
    this.switchboard.send(SERVER, session.id, 'chat.history', { room, lines: this.history.last(room, SHOWN_LINES) });
  }
}
