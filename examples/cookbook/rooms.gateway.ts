import { ForbiddenException } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WsException } from '@nestjs/websockets';
import { Matches } from 'class-validator';
import { Emits, MessagingGateway, Rooms, Sender, SERVER, Session, Switchboard } from 'switchboard';

const MAX_MEMBERS = 100;
class SplitDto {
  @Matches(/^[a-z0-9-]{1,64}$/) room!: string;
}
/** Splits a room into two teams, each a room of its own, for a member that asks. Members may be on any node. */
@Emits('room.team')
@MessagingGateway()
export class RoomsGateway {
  constructor(
    private readonly rooms: Rooms,
    private readonly switchboard: Switchboard,
  ) {}

  @SubscribeMessage('room.split')
  async split(@MessageBody() { room }: SplitDto, @Sender() sender: Session): Promise<object> {
    if (!this.rooms.of(sender).includes(room)) throw new ForbiddenException('Join the room first.');
    const { sessions, next } = this.rooms.members(room, { limit: MAX_MEMBERS });
    if (next !== undefined) throw new WsException(`Only ${MAX_MEMBERS} members can be split.`);
    const teams = sessions.map((id, index) => this.#assign(id, `${room}.${index % 2 ? 'blue' : 'red'}`));
    const outcomes = await Promise.allSettled(teams);
    return { members: outcomes.filter(({ status }) => status === 'fulfilled').length };
  }

  /** Rejects where the session has left meanwhile, or is in too many rooms. */
  async #assign(id: string, team: string): Promise<void> {
    await this.rooms.join(id, team);
    await this.switchboard.deliver(SERVER, id, 'room.team', { team });
  }
}
