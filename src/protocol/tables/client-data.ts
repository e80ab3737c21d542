import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { Describe } from './describe.js';
import { MAX_PAGE } from './limits.js';

/** What `sys.who` may ask for. */
export class WhoDto {
  @Describe('`next` of the last page.')
  @IsOptional()
  @IsString({ message: 'data.after must be a string' })
  @MaxLength(128, { message: 'data.after must be at most 128 characters' })
  after?: string;

  @Describe('How many at most; 100 where nothing is said.', 50)
  @IsOptional()
  @Min(1, { message: `data.limit must be from 1 to ${MAX_PAGE}` })
  @Max(MAX_PAGE, { message: `data.limit must be from 1 to ${MAX_PAGE}` })
  @IsInt({ message: 'data.limit must be a whole number' })
  limit?: number;
}

/** What `sys.auth` must hold. */
export class AuthDto {
  @Describe('The new token, of the same user.', 'eyJhbGciOiJFZERTQSJ9…')
  @IsString()
  token!: string;
}
