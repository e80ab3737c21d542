import { MessageBody, SubscribeMessage, WsException } from '@nestjs/websockets';
import { IsIn, Length } from 'class-validator';
import { Emits, MessagingGateway, Sender, SERVER, Session, Switchboard, type OnSessionDeparture } from 'switchboard';

const MAX_ENTRIES = 500;

class StatusDto {
  @Length(1, 50) name!: string;
  @IsIn(['online', 'busy', 'away']) status!: string;
}

/** Shows who is there. Changes reach all nodes, but `presence.show` lists the sessions of one node. */
@Emits('presence.changed', 'presence.left')
@MessagingGateway()
export class PresenceGateway implements OnSessionDeparture {
  readonly #board = new Map<string, StatusDto>();

  constructor(private readonly switchboard: Switchboard) {}

  @SubscribeMessage('presence.set')
  set(@MessageBody() { name, status }: StatusDto, @Sender() sender: Session): void {
    if (this.#board.size >= MAX_ENTRIES && !this.#board.has(sender.id)) throw new WsException('The board is full.');
    this.#board.set(sender.id, { name, status });
    this.switchboard.broadcast(sender, 'presence.changed', { session: sender.id, name, status });
  }

  @SubscribeMessage('presence.show')
  show(): { entries: object[] } {
    return { entries: [...this.#board].map(([session, { name, status }]) => ({ session, name, status })) };
  }

  onSessionDeparture({ id: session }: Session): void {
    if (this.#board.delete(session)) this.switchboard.broadcast(SERVER, 'presence.left', { session });
  }
}
