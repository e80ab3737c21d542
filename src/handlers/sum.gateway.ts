import { MessageBody, SubscribeMessage, WsException } from '@nestjs/websockets';
import { ArrayMaxSize, IsArray, IsNumber } from 'class-validator';
import { MessagingGateway } from '../gateway/nest/messaging-gateway.decorator.js';
import { Describe } from '../protocol/index.js';

class SumDto {
  @Describe('What to add up.')
  @IsNumber({}, { each: true })
  @ArrayMaxSize(100)
  @IsArray() // the rule next to the field is checked first
  numbers!: number[];
}

/** Worked example: checks the body by its DTO and answers the sender. */
@MessagingGateway()
export class SumGateway {
  @Describe('Adds up numbers and tells you the sum.', { numbers: [1, 2, 3] })
  @SubscribeMessage('demo.sum')
  sum(@MessageBody() { numbers }: SumDto): { sum: number } {
    const sum = numbers.reduce((total, number) => total + number, 0);
    if (!Number.isFinite(sum)) throw new WsException('The sum is too large for a number.');
    return { sum };
  }
}
