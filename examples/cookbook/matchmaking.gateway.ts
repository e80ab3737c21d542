import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { IsIn } from 'class-validator';
import { Emits, MessagingGateway, Sender, SERVER, Session, Switchboard, type OnSessionDeparture } from 'switchboard';

class FindDto {
  @IsIn(['chess', 'go'])
  game!: string;
}

/** Pairs two sessions that look for the same game. On several nodes, sessions meet on their own node only. */
@Emits('match.found')
@MessagingGateway()
export class MatchmakingGateway implements OnSessionDeparture {
  /** At most one session waits for each game, because the next one is its opponent. */
  readonly #waiting = new Map<string, Session>();

  constructor(private readonly switchboard: Switchboard) {}

  @SubscribeMessage('match.find')
  find(@MessageBody() { game }: FindDto, @Sender() sender: Session): void {
    this.cancel(sender);
    const opponent = this.#waiting.get(game);
    if (opponent === undefined) return void this.#waiting.set(game, sender);
    this.switchboard.send(SERVER, opponent.id, 'match.found', { game, opponent: sender.id });
    this.#waiting.delete(game);
    this.switchboard.send(SERVER, sender.id, 'match.found', { game, opponent: opponent.id });
  }

  @SubscribeMessage('match.cancel')
  cancel(@Sender() session: Session): void {
    for (const [game, waiting] of this.#waiting) if (waiting === session) this.#waiting.delete(game);
  }

  onSessionDeparture(session: Session): void {
    this.cancel(session);
  }
}
