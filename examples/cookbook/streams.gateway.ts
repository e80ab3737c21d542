import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { IsInt, Max, Min } from 'class-validator';
import { open } from 'node:fs/promises';
import { map, Subject, takeUntil, timer, type Observable } from 'rxjs';
import { MessagingGateway, Sender, Session, SessionState } from 'switchboard';

class ClockDto {
  @Max(60_000) @Min(10) @IsInt() everyMs!: number;
}

/** Streams values as answers. The server ends the streams of a session that leaves. */
@MessagingGateway()
export class StreamsGateway {
  readonly #stops = new SessionState(() => new Subject<void>());

  /** An observable. A session has one clock, which runs until `stream.stop`. */
  @SubscribeMessage('stream.clock')
  clock(@MessageBody() { everyMs }: ClockDto, @Sender() sender: Session): Observable<{ now: Date }> {
    this.stop(sender);
    const times = timer(0, everyMs).pipe(map(() => ({ now: new Date() })));
    return times.pipe(takeUntil(this.#stops.of(sender)));
  }

  @SubscribeMessage('stream.stop')
  stop(@Sender() sender: Session): void {
    this.#stops.of(sender).next();
  }

  /** A generator. The file is closed behind the last line, and when the session leaves. */
  @SubscribeMessage('stream.lines')
  async *lines(): AsyncGenerator<{ line: string }> {
    const file = await open(new URL(import.meta.url));
    try {
      for await (const line of file.readLines()) yield { line };
    } finally {
      await file.close();
    }
  }
}
