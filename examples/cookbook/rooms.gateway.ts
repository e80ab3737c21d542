import { ForbiddenException } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WsException } from '@nestjs/websockets';
import { Length } from 'class-validator';
import { Emits, MessagingGateway, Sender, Session, SessionState, Switchboard } from 'switchboard';
import type { OnSessionDeparture } from 'switchboard';

class RoomDto {
  @Length(1, 64) room!: string;
}
class SayDto extends RoomDto {
  @Length(1, 2000) text!: string;
}
/** Sends what a session says to the members of a room. Each node has rooms of its own. */
@Emits('room.said')
@MessagingGateway()
export class RoomsGateway implements OnSessionDeparture {
  readonly #members = new Map<string, Set<Session>>();
  readonly #roomsOf = new SessionState(() => new Set<string>());
  constructor(private readonly switchboard: Switchboard) {}

  @SubscribeMessage('room.join') join(@MessageBody() { room }: RoomDto, @Sender() sender: Session): void {
    const rooms = this.#roomsOf.of(sender);
    if (rooms.size >= 20 && !rooms.has(room)) throw new WsException('A session may be in 20 rooms; leave one first.');
    rooms.add(room);
    this.#members.set(room, (this.#members.get(room) ?? new Set()).add(sender));
  }
  @SubscribeMessage('room.say') say(@MessageBody() { room, text }: SayDto, @Sender() sender: Session): void {
    if (!this.#roomsOf.of(sender).has(room)) throw new ForbiddenException('Join the room first.');
    this.switchboard.multicast(sender, this.#members.get(room) ?? [], 'room.said', { room, text });
  }
  @SubscribeMessage('room.leave') leave(@MessageBody() { room }: RoomDto, @Sender() sender: Session): void {
    this.#roomsOf.of(sender).delete(room);
    const members = this.#members.get(room);
    if (members?.delete(sender) && members.size === 0) this.#members.delete(room);
  }
  onSessionDeparture(session: Session): void {
    for (const room of this.#roomsOf.of(session)) this.leave({ room }, session);
  }
}
