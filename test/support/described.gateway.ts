import { Module } from '@nestjs/common';
import { ConnectedSocket, MessageBody, SubscribeMessage, type WsResponse } from '@nestjs/websockets';
import { Type } from 'class-transformer';
import {
  IsArray,
  IsDate,
  IsEmail,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsOptional,
  IsString,
  ValidateNested,
} from 'class-validator';
import { of, type Observable as Values, Observable } from 'rxjs';
import { MessagingGateway } from '../../src/gateway/nest/messaging-gateway.decorator.js';
import { Emits } from '../../src/messaging/emits.js';
import { Describe } from '../../src/protocol/index.js';

export class RollDto {
  @Describe('The number of sides of the die.', 6)
  @IsInt()
  sides!: number;
}

export class RolledDto {
  @IsInt()
  rolled!: number;
}

class ProgressDto {
  @IsInt()
  percent!: number;

  @IsIn(['running', 'done'])
  state!: 'running' | 'done';
}

/** A class that refers to itself. */
class TreeDto {
  @IsNotEmpty()
  name!: string;

  @ValidateNested({ each: true })
  @Type(() => TreeDto)
  @IsArray()
  children!: TreeDto[];
}

class GuestDto {
  @IsEmail()
  mail!: string;

  @IsDate()
  @Type(() => Date)
  from!: Date;

  @IsString({ each: true })
  @IsOptional()
  wishes?: string[];
}

@Describe('A poll that has been opened.')
class OpenedDto {
  @IsString()
  question!: string;
}

/** Handlers whose answers are known in each of the ways that exist. */
@Emits('poll.closed', { 'poll.opened': OpenedDto, 'poll.counts': [Number] })
@MessagingGateway()
export class DescribedGateway {
  @Describe({ text: 'Rolls a die.', example: { sides: 6 }, answer: RolledDto })
  @SubscribeMessage('dice.roll')
  async roll(@MessageBody() { sides }: RollDto): Promise<RolledDto> {
    return Promise.resolve({ rolled: sides });
  }

  @Describe('Rolls several dice.')
  @Describe({ answer: [RolledDto] })
  @SubscribeMessage('dice.several')
  several(@MessageBody('count') count: number): RolledDto[] {
    return Array.from({ length: count }, () => ({ rolled: 1 }));
  }

  @SubscribeMessage('dice.sides')
  sides(): number {
    return 6;
  }

  @Describe({ answer: null })
  @SubscribeMessage('guest.add')
  add(@MessageBody() guest: GuestDto): void {
    void guest;
  }

  @SubscribeMessage('guest.any')
  any(@ConnectedSocket() socket: object): WsResponse<boolean> {
    return { event: 'guest.any', data: socket !== undefined };
  }

  @Describe({ stream: ProgressDto })
  @SubscribeMessage('job.run')
  run(): Values<ProgressDto> {
    return of({ percent: 100, state: 'done' });
  }

  @SubscribeMessage('job.observe')
  observe(): Observable<number> {
    return of(1);
  }

  @SubscribeMessage('job.generate')
  async *generate(): AsyncGenerator<number> {
    yield await Promise.resolve(1);
  }

  @SubscribeMessage('tree.save')
  save(@MessageBody() tree: TreeDto): TreeDto {
    return tree;
  }

  /** Is claimed, and sent by the server too. */
  @Emits({ 'tree.grown': TreeDto })
  @SubscribeMessage('tree.grown')
  grown(@MessageBody() size: number): void {
    void size;
  }
}

@Module({ providers: [DescribedGateway] })
export class DescribedModule {}
