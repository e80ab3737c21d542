import { Injectable } from '@nestjs/common';
import { ROOM_PREFIX } from '../protocol/index.js';
import type { Session } from '../sessions/session.js';
import type { GroupAccess } from '../settings/access-settings.js';
import { Settings } from '../settings/settings.js';

/** Decides by the settings `ROOMS` and `USERS` which sessions may join, list and send to rooms and users. */
@Injectable()
export class GroupPermissions {
  constructor(private readonly settings: Settings) {}

  /** @param room name without `#` */
  mayJoin(session: Session, _room: string): boolean | Promise<boolean> {
    return allows(this.settings.rooms, session);
  }

  /** @param target `@USER` or `#ROOM` */
  maySee(session: Session, target: string): boolean | Promise<boolean> {
    return this.#allows(session, target);
  }

  /** @param target `@USER` or `#ROOM` */
  maySend(session: Session, target: string, _type: string): boolean {
    return this.#allows(session, target);
  }

  /** @param room name without `#` */
  maySendFromOutside(_session: Session, _room: string, _type: string): boolean {
    return false;
  }

  #allows(session: Session, target: string): boolean {
    return allows(target.startsWith(ROOM_PREFIX) ? this.settings.rooms : this.settings.users, session);
  }
}

function allows(access: GroupAccess, { user }: Session): boolean {
  return access === 'open' || (access === 'token' && user !== undefined);
}
