import {
  Injectable,
  SetMetadata,
  UnauthorizedException,
  type CanActivate,
  type CustomDecorator,
  type ExecutionContext,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { JwtService } from '@nestjs/jwt';

const PUBLIC = 'host.public';

export function Public(): CustomDecorator {
  return SetMetadata(PUBLIC, true);
}

@Injectable()
export class JwtGuard implements CanActivate {
  constructor(
    private readonly jwt: JwtService,
    private readonly reflector: Reflector,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http' || this.reflector.get(PUBLIC, context.getHandler())) return true;
    const { headers } = context.switchToHttp().getRequest<{ headers: { authorization?: string } }>();
    try {
      this.jwt.verify(headers.authorization?.replace('Bearer ', '') ?? '');
      return true;
    } catch {
      throw new UnauthorizedException('a token is needed');
    }
  }
}
