import { IsString, Matches, MaxLength, MinLength } from 'class-validator';

const GROUP = /^[a-z0-9-]{1,32}$/;

export class JoinDto {
  @Matches(GROUP, { message: 'group must be 1 to 32 small letters, digits and dashes' })
  group!: string;

  @IsString()
  @MinLength(1)
  @MaxLength(32)
  name!: string;
}

export class LeaveDto {
  @Matches(GROUP, { message: 'group must be 1 to 32 small letters, digits and dashes' })
  group!: string;
}

export class SayDto extends LeaveDto {
  @IsString()
  @MinLength(1)
  @MaxLength(2000)
  text!: string;
}
