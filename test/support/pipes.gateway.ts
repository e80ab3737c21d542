import {
  BadRequestException,
  HttpException,
  Injectable,
  ParseArrayPipe,
  ParseIntPipe,
  Scope,
  UsePipes,
  ValidationPipe,
  type ArgumentMetadata,
  type PipeTransform,
} from '@nestjs/common';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { plainToInstance, Transform, Type } from 'class-transformer';
import { IsArray, IsInt, IsOptional, IsString, MaxLength, Min, validate, ValidateNested } from 'class-validator';
import { MessagingGateway, Sender, Session } from '../../src/index.js';

export class PriceDto {
  @Transform(({ value }: { value: number }) => value * 100)
  @IsInt()
  cents!: number;
}

export class WordsDto {
  @Transform(({ value }: { value: string }) => value.split(' '))
  @IsArray()
  words!: string[];
}

class RowDto {
  @IsString()
  name!: string;
}

export class DieDto {
  @Min(2)
  @IsInt()
  sides!: number;

  @ValidateNested({ each: true })
  @Type(() => RowDto)
  @IsArray()
  @IsOptional()
  rows?: RowDto[];

  @MaxLength(3, { message: 'too long' })
  @IsOptional()
  label?: string;
}

class LargeDto {
  @Min(3, { groups: ['large'] })
  @Min(5, { groups: ['huge'] })
  sides!: number;
}

/** Writes its letter behind a text, and leaves other values alone. */
export class LetterPipe implements PipeTransform {
  constructor(private readonly letter: string) {}

  transform(value: unknown): unknown {
    return typeof value === 'string' ? value + this.letter : value;
  }
}

/** Trims the texts of an object. */
export class TrimPipe implements PipeTransform {
  transform(value: unknown, { type }: ArgumentMetadata): unknown {
    if (type !== 'body' || typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, each]: [string, unknown]) => [
        name,
        typeof each === 'string' ? each.trim() : each,
      ]),
    );
  }
}

/** A pipe in the style of Nest's documentation, which returns the object that it has made. */
export class HandmadePipe implements PipeTransform {
  async transform(value: unknown, { metatype }: ArgumentMetadata): Promise<unknown> {
    if (typeof value !== 'object' || value === null || metatype === undefined) return value;
    if ((metatype as unknown) === Object) return value;
    const made = plainToInstance(metatype as new () => object, value);
    const [error] = await validate(made);
    if (error !== undefined) throw new BadRequestException(`bad ${error.property}`);
    return made;
  }
}

/** A validating pipe of the team, made by Nest. */
@Injectable()
export class TeamValidationPipe extends ValidationPipe {
  readonly #options = 'kept';

  constructor() {
    super({ transform: true, whitelist: true });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    return this.#options === 'kept' ? ((await super.transform(value, metadata)) as unknown) : undefined;
  }
}

@Injectable({ scope: Scope.REQUEST })
export class RequestValidationPipe extends TeamValidationPipe {}

class Owner {
  constructor(readonly name: string) {}
}

/** Makes an object of the class from a text, as a pipe that reads a database does. */
class OwnerPipe implements PipeTransform {
  transform(value: unknown): unknown {
    return new Owner(String(value));
  }
}

/** Fills in a field, in an object of the class that it does not check. */
class DefaultsPipe implements PipeTransform {
  transform(value: unknown): unknown {
    return Object.assign(new DieDto(), { label: 'd6' }, value);
  }
}

class Teapot extends HttpException {
  constructor() {
    super('no tea', 400);
  }
}

/** Handlers without a pipe of the team. */
@MessagingGateway()
export class PlainBodiesGateway {
  @SubscribeMessage('price')
  price(@MessageBody() { cents }: PriceDto): unknown {
    return cents;
  }

  @SubscribeMessage('words')
  words(@MessageBody() { words }: WordsDto): unknown {
    return words;
  }

  @SubscribeMessage('die')
  die(@MessageBody() die: DieDto): unknown {
    return Object.assign({ class: die.constructor.name }, die);
  }

  @SubscribeMessage('die-of')
  dieOf(@MessageBody('die') die: DieDto, @Sender() sender: Session): unknown {
    return { sides: die.sides, isSession: sender instanceof Session };
  }

  @SubscribeMessage('free')
  free(@MessageBody() body: unknown): unknown {
    return { body };
  }

  @SubscribeMessage('text')
  text(@MessageBody() body: string): unknown {
    return body;
  }

  @SubscribeMessage('flag-of')
  flagOf(@MessageBody('flag') flag: boolean): unknown {
    return { flag };
  }

  @SubscribeMessage('number-of')
  numberOf(@MessageBody('n') n: number): unknown {
    return { n };
  }

  @SubscribeMessage('undecorated')
  undecorated(_client: unknown, { cents }: PriceDto): unknown {
    return cents;
  }
}

/** Extends a gateway, so that both have the decorator of the server. */
@MessagingGateway()
export class ExtendedGateway extends PlainBodiesGateway {}

/** Handlers whose class, method and parameter have validating pipes of the team. */
@UsePipes(new ValidationPipe({ transform: true }))
@MessagingGateway()
export class TeamBodiesGateway {
  @SubscribeMessage('team.price')
  price(@MessageBody() { cents }: PriceDto): unknown {
    return cents;
  }

  @UsePipes(new ValidationPipe({ transform: true }), new ValidationPipe({ transform: true, whitelist: true }))
  @SubscribeMessage('team.price-2')
  priceTwice(@MessageBody() { cents }: PriceDto): unknown {
    return cents;
  }

  @UsePipes(TeamValidationPipe)
  @SubscribeMessage('team.price-3')
  priceThrice(@MessageBody(new ValidationPipe({ transform: true })) { cents }: PriceDto): unknown {
    return cents;
  }

  @UsePipes(TeamValidationPipe)
  @SubscribeMessage('team.injected')
  injected(@MessageBody() body: PriceDto): unknown {
    return Object.assign({}, body);
  }

  @SubscribeMessage('team.die')
  die(@MessageBody() die: DieDto): unknown {
    return Object.assign({}, die);
  }

  @SubscribeMessage('team.die-of')
  dieOf(@MessageBody('die') die: DieDto): unknown {
    return Object.assign({}, die);
  }

  @SubscribeMessage('team.strict')
  strict(@MessageBody(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true })) die: DieDto): unknown {
    return Object.assign({}, die);
  }

  @SubscribeMessage('team.groups')
  groups(@MessageBody(new ValidationPipe({ groups: ['large'] })) die: LargeDto): unknown {
    return Object.assign({}, die);
  }

  @SubscribeMessage('team.grouped')
  grouped(@MessageBody(new ValidationPipe({ errorFormat: 'grouped' })) die: DieDto): unknown {
    return Object.assign({}, die);
  }

  @SubscribeMessage('team.own-exception')
  ownException(@MessageBody(new ValidationPipe({ exceptionFactory: () => new Teapot() })) die: DieDto): unknown {
    return Object.assign({}, die);
  }

  @SubscribeMessage('team.silent')
  silent(@MessageBody(new ValidationPipe({ disableErrorMessages: true })) die: DieDto): unknown {
    return Object.assign({}, die);
  }
}

/** Handlers with pipes of the team that change values. */
@UsePipes(new LetterPipe('c'))
@MessagingGateway()
export class ChangedBodiesGateway {
  @UsePipes(new LetterPipe('m'))
  @SubscribeMessage('changed.text')
  text(@MessageBody(new LetterPipe('p')) body: string): unknown {
    return body;
  }

  @SubscribeMessage('changed.int')
  int(@MessageBody('n', ParseIntPipe) n: number): unknown {
    return { n };
  }

  @SubscribeMessage('changed.optional')
  optional(@MessageBody('n', new ParseIntPipe({ optional: true })) n?: number): unknown {
    return { n: n ?? null };
  }

  @SubscribeMessage('changed.trimmed')
  trimmed(@MessageBody(new TrimPipe()) die: DieDto): unknown {
    return Object.assign({ class: die.constructor.name }, die);
  }

  @SubscribeMessage('changed.handmade')
  handmade(@MessageBody(new HandmadePipe()) { cents }: PriceDto): unknown {
    return cents;
  }

  @SubscribeMessage('changed.defaults')
  defaults(@MessageBody(new DefaultsPipe()) die: DieDto): unknown {
    return Object.assign({}, die);
  }

  @SubscribeMessage('changed.owner')
  owner(@MessageBody('owner', new OwnerPipe()) owner: Owner): unknown {
    return { name: owner.name, isOwner: owner instanceof Owner };
  }

  @SubscribeMessage('changed.rows')
  rows(@MessageBody(new ParseArrayPipe({ items: RowDto })) rows: RowDto[]): unknown {
    return rows.map(({ name }) => name);
  }

  @SubscribeMessage('changed.rows-of')
  rowsOf(@MessageBody('rows', new ParseArrayPipe({ items: RowDto, stopAtFirstError: false })) rows: RowDto[]): unknown {
    return rows.map(({ name }) => name);
  }

  @SubscribeMessage('changed.numbers')
  numbers(@MessageBody(new ParseArrayPipe({ items: Number })) numbers: number[]): unknown {
    return numbers;
  }
}

/** A request-scoped pipe makes Nest create the gateway anew for each message. */
@MessagingGateway()
export class ScopedBodiesGateway {
  @UsePipes(RequestValidationPipe)
  @SubscribeMessage('scoped.price')
  price(@MessageBody() body: PriceDto): unknown {
    return Object.assign({}, body);
  }
}
