import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { sessionOf } from 'switchboard';
import { Groups } from './groups.js';

/** Lets only those speak in a group who have joined it. */
@Injectable()
export class MemberGuard implements CanActivate {
  constructor(private readonly groups: Groups) {}

  canActivate(context: ExecutionContext): boolean {
    const { group } = context.switchToWs().getData<{ group?: unknown }>() ?? {};
    return typeof group === 'string' && this.groups.nameOf(sessionOf(context), group) !== undefined;
  }
}
