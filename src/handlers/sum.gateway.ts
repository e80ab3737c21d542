import { MessageBody, SubscribeMessage, WsException } from '@nestjs/websockets';
import { ArrayMaxSize, IsArray, IsNumber } from 'class-validator';
import { MessagingGateway } from '../gateway/nest/messaging-gateway.decorator.js';
import { Describe } from '../protocol/index.js';

class SumDto {
  @Describe('The numbers to add.')
  @IsNumber({}, { each: true })
  @ArrayMaxSize(100)
  @IsArray() // class-validator checks the decorator next to the field first
  numbers!: number[];
}

class SumAnswer {
  @Describe('The sum of the numbers.')
  @IsNumber()
  sum!: number;
}

/** Worked example: validates the body with a DTO and replies to the sender. */
@MessagingGateway()
export class SumGateway {
  @Describe({ text: 'Adds numbers and replies with the sum.', example: { numbers: [1, 2, 3] }, answer: SumAnswer })
  @SubscribeMessage('demo.sum')
  sum(@MessageBody() { numbers }: SumDto): SumAnswer {
    const sum = numbers.reduce((total, number) => total + number, 0);
    if (!Number.isFinite(sum)) throw new WsException('The sum is too large for a number.');
    return { sum };
  }
}
