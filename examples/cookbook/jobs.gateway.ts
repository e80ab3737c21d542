import { ConflictException, NotFoundException } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WsException } from '@nestjs/websockets';
import { IsInt, Length, Max, Min } from 'class-validator';
import { MessageError, MessagingGateway, Sender, Session, SessionState } from 'switchboard';

class JobDto {
  @Length(1, 64) job!: string;
}
class RunDto extends JobDto {
  @Max(10_000) @Min(1) @IsInt() steps!: number;
}
/** Runs jobs that report their progress. A job ends by `job.cancel`; the server ends those of a session that leaves. */
@MessagingGateway()
export class JobsGateway {
  readonly #running = new SessionState(() => new Map<string, AbortController>());

  @SubscribeMessage('job.run')
  async *run(@MessageBody() { job, steps }: RunDto, @Sender() sender: Session): AsyncGenerator<{ percent: number }> {
    const running = this.#running.of(sender);
    if (running.size >= 5) throw new WsException('A session may run 5 jobs; cancel one first.');
    if (running.has(job)) throw new ConflictException('This job is running.');
    const cancel = new AbortController();
    running.set(job, cancel);
    try {
      for (let step = 1; step <= steps; step++) {
        await crypto.subtle.digest('SHA-256', new Uint8Array(1_000_000)); // the work
        if (cancel.signal.aborted) throw new MessageError('cancelled', 'The job was cancelled.');
        yield { percent: Math.floor((step / steps) * 100) };
      }
    } finally {
      running.delete(job);
    }
  }
  @SubscribeMessage('job.cancel') cancel(@MessageBody() { job }: JobDto, @Sender() sender: Session): void {
    const running = this.#running.of(sender).get(job);
    if (running === undefined) throw new NotFoundException('No such job is running.');
    running.abort();
  }
}
