import { MessageBody, SubscribeMessage, WsException } from '@nestjs/websockets';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsInt, IsString, Length, Min } from 'class-validator';
import { Emits, MessagingGateway, Sender, SERVER, Session, Switchboard, type OnSessionDeparture } from 'switchboard';

class OpenDto {
  @Length(1, 200) question!: string;
  @Length(1, 100, { each: true }) @ArrayMinSize(2) @ArrayMaxSize(10) @IsArray() answers!: string[];
}
class VoteDto {
  @IsString() poll!: string;
  @Min(0) @IsInt() answer!: number;
}
/** Holds one poll for each session, under its id, until the session closes the poll or leaves. Voters use its node. */
@Emits('poll.opened', 'poll.closed')
@MessagingGateway()
export class PollGateway implements OnSessionDeparture {
  readonly #polls = new Map<string, { votes: number[]; voters: WeakSet<Session> }>();
  constructor(private readonly switchboard: Switchboard) {}
  @SubscribeMessage('poll.open') open(@MessageBody() { question, answers }: OpenDto, @Sender() { id }: Session): void {
    if (this.#polls.has(id)) throw new WsException('Close your poll first.');
    this.#polls.set(id, { votes: answers.map(() => 0), voters: new WeakSet() });
    this.switchboard.broadcast(SERVER, 'poll.opened', { poll: id, question, answers });
  }
  @SubscribeMessage('poll.vote') vote(@MessageBody() { poll, answer }: VoteDto, @Sender() sender: Session): object {
    const { votes, voters } = this.#polls.get(poll) ?? {};
    if (votes?.[answer] === undefined) throw new WsException('There is no such poll or answer.');
    if (voters?.has(sender)) throw new WsException({ code: 'already_voted', message: 'You have voted in this poll.' });
    voters?.add(sender);
    votes[answer]++;
    return { votes };
  }
  @SubscribeMessage('poll.close') close(@Sender() { id }: Session): void {
    const votes = this.#polls.get(id)?.votes;
    if (this.#polls.delete(id)) this.switchboard.broadcast(SERVER, 'poll.closed', { poll: id, votes });
  }
  onSessionDeparture(session: Session): void {
    this.close(session);
  }
}
