import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray, ValidateNested } from 'class-validator';
import { IsDate, IsInt, Length, Max, Min, MinDate } from 'class-validator';
import { randomUUID } from 'node:crypto';
import { MessagingGateway } from 'switchboard';

class PartDto {
  @Length(1, 40) sku!: string;
  @Max(100) @Min(1) @IsInt() count!: number;
}
class ParcelDto {
  @Type(() => PartDto) @ValidateNested({ each: true }) @ArrayMaxSize(50) @ArrayMinSize(1) @IsArray() parts!: PartDto[];
  /** `@Type` also makes dates of numbers, and 1970 of `null`, which `@MinDate` refuses. */
  @Type(() => Date) @MinDate(() => new Date()) @IsDate() deliverAt!: Date;
}
class OrderDto {
  @Type(() => ParcelDto)
  @ValidateNested({ each: true })
  @ArrayMaxSize(10)
  @ArrayMinSize(1)
  @IsArray()
  parcels!: ParcelDto[];
}

@MessagingGateway()
export class OrdersGateway {
  @SubscribeMessage('order.place')
  place(@MessageBody() { parcels }: OrderDto): { order: string; pieces: number; lastDelivery: Date } {
    const pieces = parcels.flatMap(({ parts }) => parts).reduce((total, { count }) => total + count, 0);
    const lastDelivery = new Date(Math.max(...parcels.map(({ deliverAt }) => deliverAt.getTime())));
    return { order: randomUUID(), pieces, lastDelivery };
  }
}
