import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { Describe } from './describe.js';
import { MAX_PAGE } from './limits.js';

/** The `data` of `sys.who`. */
export class WhoDto {
  @Describe('`next` of the previous page.')
  @IsOptional()
  @MaxLength(128, { message: 'data.after must be at most 128 characters' })
  @IsString({ message: 'data.after must be a string' })
  after?: string;

  @Describe('Maximum number of sessions; 100 by default.', 50)
  @IsOptional()
  @Min(1, { message: `data.limit must be from 1 to ${MAX_PAGE}` })
  @Max(MAX_PAGE, { message: `data.limit must be from 1 to ${MAX_PAGE}` })
  @IsInt({ message: 'data.limit must be a whole number' })
  limit?: number;
}

/** The `data` of `sys.auth`. */
export class AuthDto {
  @Describe('The new token, of the same user.', 'eyJhbGciOiJFZERTQSJ9…')
  @IsString()
  token!: string;
}

/** The `data` of `sys.seen`. */
export class SeenDto {
  @Describe(
    'Number of text frames that you have received since the first welcome, without `sys.seen` and welcomes.',
    412,
  )
  @Min(0, { message: 'data.frames must be a whole number, 0 or more' })
  @IsInt({ message: 'data.frames must be a whole number, 0 or more' })
  frames!: number;
}
