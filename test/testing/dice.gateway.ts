import { Injectable, Logger, Module, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WsException } from '@nestjs/websockets';
import { IsInt, Max, Min } from 'class-validator';
import { Emits, MessagingGateway, Sender, Session, sessionOf, Switchboard } from '../../src/index.js';

class RollDto {
  @Max(100)
  @Min(2)
  @IsInt()
  sides!: number;
}

/** The source of numbers, which tests replace. */
@Injectable()
export class Dice {
  roll(sides: number): number {
    return 1 + Math.floor(Math.random() * sides);
  }
}

@Injectable()
export class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return sessionOf(context).user !== undefined;
  }
}

@Emits('dice.rolled')
@MessagingGateway()
export class DiceGateway {
  readonly #logger = new Logger('Dice');

  constructor(
    private readonly dice: Dice,
    private readonly switchboard: Switchboard,
  ) {}

  @SubscribeMessage('dice.roll')
  roll(@MessageBody() { sides }: RollDto, @Sender() sender: Session): { rolled: number } {
    const rolled = this.dice.roll(sides);
    this.switchboard.broadcast(sender, 'dice.rolled', { rolled });
    return { rolled };
  }

  @SubscribeMessage('dice.count')
  async *count(): AsyncGenerator<number> {
    yield* [3, 2, 1];
  }

  @SubscribeMessage('dice.throw')
  throw(): void {
    this.#logger.warn('a die is lost');
    throw new WsException({ code: 'lost', message: 'The die is under the table.' });
  }

  @UseGuards(UserGuard)
  @SubscribeMessage('dice.user')
  user(@Sender() sender: Session): { user: string | undefined } {
    return { user: sender.user };
  }
}

@Module({ providers: [Dice, DiceGateway] })
export class DiceModule {}
