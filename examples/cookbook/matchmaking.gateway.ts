import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { IsIn } from 'class-validator';
import { Emits, MessagingGateway, Sender, SERVER, Session, Switchboard, type OnSessionDeparture } from 'switchboard';

class FindDto {
  @IsIn(['chess', 'go']) game!: string;
}

/** Pairs two sessions that look for the same game. On several nodes, sessions meet on their own node only. */
@Emits('match.found', 'match.lost')
@MessagingGateway()
export class MatchmakingGateway implements OnSessionDeparture {
  /** At most one session waits for each game, because the next one is its opponent. */
  readonly #waiting = new Map<string, Session>();
  constructor(private readonly switchboard: Switchboard) {}
  @SubscribeMessage('match.find') find(@MessageBody() { game }: FindDto, @Sender() sender: Session): void {
    this.cancel(sender);
    const opponent = this.#waiting.get(game);
    this.#waiting.delete(game);
    if (!opponent || !this.#tell(opponent, 'match.found', { game, opponent: sender.id })) {
      this.#waiting.set(game, sender);
    } else if (!this.#tell(sender, 'match.found', { game, opponent: opponent.id })) {
      void this.#tell(opponent, 'match.lost', { game }); // it may be gone too
    }
  }

  @SubscribeMessage('match.cancel') cancel(@Sender() session: Session): void {
    for (const [game, waiting] of this.#waiting) if (waiting === session) this.#waiting.delete(game);
  }

  onSessionDeparture(session: Session): void {
    this.cancel(session);
  }
  /** Returns false where the session has left, or reads too slowly. */
  #tell({ id }: Session, type: string, data: object): boolean {
    return this.switchboard.multicast(SERVER, [id], type, data) === 0;
  }
}
