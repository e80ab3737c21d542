import { MessageBody, SubscribeMessage, WsException } from '@nestjs/websockets';
import { IsNumber, Max, Min } from 'class-validator';
import { Emits, MessagingGateway, Sender, SERVER, Session, Switchboard, type OnSessionDeparture } from 'switchboard';

const FRAME_MS = 17; // timers take whole milliseconds, and 16 are more than 60 a second
const MAX_CURSORS = 100;

class MoveDto {
  @Max(1) @Min(0) @IsNumber() x!: number;
  @Max(1) @Min(0) @IsNumber() y!: number;
}

/** Shares cursors. Clients send without an `id`, so that nothing is acknowledged. Each node has cursors of its own. */
@Emits('cursor.moved', 'cursor.left')
@MessagingGateway()
export class CursorsGateway implements OnSessionDeparture {
  readonly #sharing = new Set<Session>();
  /** The last positions, one for each session. All are sent together, at most 60 times a second. */
  readonly #moved = new Map<Session, MoveDto>();
  constructor(private readonly switchboard: Switchboard) {}

  @SubscribeMessage('cursor.move') move(@MessageBody() position: MoveDto, @Sender() sender: Session): void {
    if (this.#sharing.size >= MAX_CURSORS && !this.#sharing.has(sender)) throw new WsException('The board is full.');
    this.#sharing.add(sender);
    if (this.#moved.size === 0) setTimeout(() => this.#share(), FRAME_MS);
    this.#moved.set(sender, position);
  }
  onSessionDeparture(session: Session): void {
    this.#moved.delete(session);
    if (!this.#sharing.delete(session)) return;
    this.switchboard.multicast(SERVER, this.#sharing, 'cursor.left', { session: session.id });
  }
  #share(): void {
    if (this.#moved.size === 0) return;
    const cursors = [...this.#moved].map(([{ id: session }, { x, y }]) => ({ session, x, y }));
    this.#moved.clear();
    this.switchboard.multicast(SERVER, this.#sharing, 'cursor.moved', { cursors });
  }
}
