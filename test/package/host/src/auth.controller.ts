import { Controller, Post } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { Public } from './jwt.guard.js';

@Controller('login')
export class AuthController {
  constructor(private readonly jwt: JwtService) {}

  @Public()
  @Post()
  login(): { token: string } {
    return { token: this.jwt.sign({ sub: 'alice' }) };
  }
}
