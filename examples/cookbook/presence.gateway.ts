import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { IsIn } from 'class-validator';
import { Emits, MessagingGateway, Rooms, Sender, Session, SessionState, Switchboard } from 'switchboard';
import type { OnRoomJoined } from 'switchboard';

class StatusDto {
  @IsIn(['free', 'busy', 'away']) status!: string;
}

/**
 * Adds a status to the members of a room. The server itself lists them, and notifies them of each other. A new member gets
 * the statuses of its own node, and each later change on all nodes.
 */
@Emits('presence.status')
@MessagingGateway()
export class PresenceGateway implements OnRoomJoined {
  readonly #statuses = new SessionState<{ status?: string }>(() => ({}));

  constructor(
    private readonly rooms: Rooms,
    private readonly switchboard: Switchboard,
  ) {}

  @SubscribeMessage('presence.set')
  set(@MessageBody() { status }: StatusDto, @Sender() sender: Session): void {
    this.#statuses.of(sender).status = status;
    for (const room of this.rooms.of(sender)) this.switchboard.send(sender, `#${room}`, 'presence.status', { status });
  }

  onRoomJoined(session: Session, room: string): void {
    const members = this.rooms.members(room).sessions.map((id) => this.switchboard.find(id));
    for (const member of members) {
      const status = member && this.#statuses.of(member).status;
      if (status !== undefined) this.switchboard.send(member!, session.id, 'presence.status', { status });
    }
  }
}
