import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { sessionOf } from 'switchboard';
import { Groups } from './groups.js';

/** Allows only members of a group to send to it. */
@Injectable()
export class MemberGuard implements CanActivate {
  constructor(private readonly groups: Groups) {}

  canActivate(context: ExecutionContext): boolean {
    const { group } = context.switchToWs().getData<{ group?: unknown }>() ?? {};
    return typeof group === 'string' && this.groups.nameOf(sessionOf(context), group) !== undefined;
  }
}
