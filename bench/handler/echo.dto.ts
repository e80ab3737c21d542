import { IsHexadecimal, IsString, Length, MaxLength } from 'class-validator';

/** A message of the load generator: time, number and connection in hexadecimal digits, and padding. */
export class Echo {
  @IsHexadecimal()
  @Length(16, 16)
  t!: string;

  @IsHexadecimal()
  @Length(8, 8)
  n!: string;

  @IsHexadecimal()
  @Length(8, 8)
  c!: string;

  @IsString()
  @MaxLength(65_536)
  x!: string;
}
