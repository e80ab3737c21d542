import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { ArrayMaxSize, IsNumber } from 'class-validator';
import { MessagingGateway } from '../gateway/messaging-gateway.decorator.js';
import { Describe } from '../protocol/index.js';

class SumDto {
  @Describe('What to add up.')
  @IsNumber({}, { each: true })
  @ArrayMaxSize(100)
  numbers!: number[];
}

/** Worked example: checks the body by its DTO and answers the sender. */
@MessagingGateway()
export class SumGateway {
  @Describe('Adds up numbers and tells you the sum.', { numbers: [1, 2, 3] })
  @SubscribeMessage('demo.sum')
  sum(@MessageBody() { numbers }: SumDto): { sum: number } {
    return { sum: numbers.reduce((total, number) => total + number, 0) };
  }
}
