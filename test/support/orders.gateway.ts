import { MessageBody, SubscribeMessage, type WsResponse } from '@nestjs/websockets';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  Equals,
  IsArray,
  IsBoolean,
  IsEmail,
  IsEnum,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsNumber,
  IsOptional,
  IsPositive,
  IsString,
  IsUUID,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { MessagingGateway } from '../../src/gateway/nest/messaging-gateway.decorator.js';
import { Describe } from '../../src/protocol/index.js';

enum Size {
  small = 'S',
  large = 'L',
}

enum Floor {
  ground,
  first,
}

class ItemDto {
  @Matches(/^[A-Z]{3}-\d{4}$/)
  sku!: string;

  @Min(1)
  @Max(99)
  @IsInt()
  count!: number;
}

abstract class PlacedDto {
  @IsEnum(Floor)
  floor!: Floor;
}

export class OrderDto extends PlacedDto {
  @Describe('A note for the kitchen.', 'no onions')
  @MinLength(2)
  @MaxLength(40)
  note!: string;

  @IsEnum(Size)
  size!: Size;

  @IsIn(['here', 'away', 3])
  where!: string | number;

  @ValidateNested({ each: true })
  @Type(() => ItemDto)
  @ArrayMinSize(1)
  @ArrayMaxSize(3)
  items!: ItemDto[];

  @ValidateNested()
  @Type(() => ItemDto)
  @IsOptional()
  gift?: ItemDto;

  @Length(1, 5, { each: true })
  @ArrayUnique()
  @IsArray()
  tags!: string[];

  @IsPositive()
  @IsNumber()
  @IsOptional()
  tip?: number;

  @IsString()
  @ValidateIf(({ card }: OrderDto) => card !== undefined)
  card?: string;

  @IsUUID()
  key!: string;

  @Equals(true)
  @IsBoolean()
  terms!: boolean;

  @IsNotEmpty()
  table!: string;

  @IsEmail()
  @IsOptional()
  mail?: string;
}

class Receipt {
  @IsInt()
  @Min(1)
  number!: number;
}

/** A valid order. */
export const ORDER = {
  note: 'no onions',
  size: 'S',
  where: 3,
  items: [{ sku: 'ABC-1234', count: 2 }],
  tags: ['a', 'b'],
  key: '0b6f6a52-3e1c-4d5f-9c1d-2f7f5b3c9a10',
  terms: true,
  table: 'four',
  floor: 1,
};

/** Message types of a sample application, each declared in another way. */
@MessagingGateway()
export class OrdersGateway {
  @Describe('Places an order.', ORDER)
  @SubscribeMessage('order:place')
  place(@MessageBody() order: OrderDto): Receipt {
    return { number: order.items.length };
  }

  @SubscribeMessage('order.cancel')
  cancel(@MessageBody('number') number: number): WsResponse<number> {
    return { event: 'order.cancelled', data: number };
  }

  @SubscribeMessage('order.menu')
  menu(): string[] {
    return ['soup'];
  }
}

class OrderDtoOfAnother {
  @IsInt()
  other!: number;
}
Object.defineProperty(OrderDtoOfAnother, 'name', { value: 'OrderDto' });

/** A gateway with another body class of the same name. */
@MessagingGateway()
export class OtherOrdersGateway {
  @SubscribeMessage('order.other')
  other(@MessageBody() order: OrderDtoOfAnother): number {
    return order.other;
  }
}
