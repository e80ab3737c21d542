import { Injectable, NotFoundException, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { Length } from 'class-validator';
import { Claims, Emits, MessagingGateway, SERVER, sessionOf, Switchboard, User } from 'switchboard';

const Roles = Reflector.createDecorator<string[]>();

/** Allows the sessions whose token claims one of the roles of the handler, or else of the gateway. */
@Injectable()
class RolesGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}
  canActivate(context: ExecutionContext): boolean {
    const roles = this.reflector.getAllAndOverride(Roles, [context.getHandler(), context.getClass()]);
    const claimed = sessionOf(context).claims?.['role'];
    return roles.some((role) => role === claimed);
  }
}
class NewsDto {
  @Length(1, 500) text!: string;
}
@Roles(['admin'])
@UseGuards(RolesGuard)
@Emits('admin.news')
@MessagingGateway()
export class AdminGateway {
  constructor(private readonly switchboard: Switchboard) {}

  @Roles(['admin', 'editor'])
  @SubscribeMessage('admin.announce')
  announce(@MessageBody() { text }: NewsDto, @User() by: string, @Claims('role') role: string): void {
    this.switchboard.broadcast(SERVER, 'admin.news', { text, by, role });
  }
  /** Closes a session of this node. */
  @SubscribeMessage('admin.kick')
  kick(@MessageBody('session') session: string): void {
    if (!this.switchboard.close(session)) throw new NotFoundException('No session of this node has this id.');
  }
}
