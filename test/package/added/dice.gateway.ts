import { ForbiddenException } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WsException } from '@nestjs/websockets';
import { InjectRepository } from '@nestjs/typeorm';
import { IsInt, Max, Min } from 'class-validator';
import { MessagingGateway, Sender, Switchboard, type Session } from 'switchboard';
import { Repository } from 'typeorm';
import { Note } from './note.entity.js';

class Roll {
  @Max(100)
  @Min(1)
  @IsInt()
  sides!: number;
}

/** A gateway of Switchboard in the host, with a repository of the host. */
@MessagingGateway()
export class DiceGateway {
  constructor(
    private readonly switchboard: Switchboard,
    @InjectRepository(Note) private readonly notes: Repository<Note>,
  ) {}

  @SubscribeMessage('dice.roll')
  roll(@MessageBody() { sides }: Roll): { sides: number } {
    return { sides };
  }

  @SubscribeMessage('notes.count')
  async count(@Sender() { id }: Session): Promise<{ notes: number; sender: string; sessions: number }> {
    return { notes: await this.notes.count(), sender: id, sessions: this.switchboard.list().total };
  }

  @SubscribeMessage('dice.throw')
  throwIt(@MessageBody() { sides }: Roll): { sides: number } {
    return { sides };
  }

  @SubscribeMessage('dice.cheat')
  cheat(): never {
    throw new ForbiddenException('not allowed');
  }

  @SubscribeMessage('dice.lose')
  lose(): never {
    throw new WsException('not today');
  }
}
