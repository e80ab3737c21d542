import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { IsIn, IsInt, Max, Min } from 'class-validator';
import { MessagingGateway, type OnSessionDeparture } from 'switchboard';
import { DatabaseSession } from './database.js';

class ChangeDto {
  @IsIn(['bolts', 'nuts', 'screws']) item!: string;
  @Max(1000) @Min(-1000) @IsInt() change!: number;
}

/** Request-scoped by what it injects: the server makes one gateway, and one database session, for each session. */
@MessagingGateway()
export class StockGateway implements OnSessionDeparture {
  constructor(private readonly database: DatabaseSession) {}

  /** Answers with the count that the open transaction sees. */
  @SubscribeMessage('stock.change')
  change(@MessageBody() { item, change }: ChangeDto): { count: number } {
    return { count: this.database.add(item, change) };
  }

  @SubscribeMessage('stock.commit')
  commit(): void {
    this.database.commit();
  }

  @SubscribeMessage('stock.rollback')
  rollBack(): void {
    this.database.rollBack();
  }

  /** Gives the connection back, because nobody else can end the transaction. */
  onSessionDeparture(): void {
    this.database.rollBack();
  }
}
