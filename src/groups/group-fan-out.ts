import { Injectable } from '@nestjs/common';
import type { GroupReceipt } from '../cluster/backplane.js';
import { NoticeLog } from '../messaging/notice-log.js';
import type { Frame } from '../protocol/index.js';
import type { Session } from '../sessions/session.js';
import { Counters } from '../telemetry/counters.js';
import type { Room } from './room.js';

/** Local members up to which a message is written in the same turn. The writes to more members are divided over ticks. */
const SAME_TURN_MEMBERS = 64;

/** Puts one frame on the connections of the local members of a room. */
@Injectable()
export class GroupFanOut {
  constructor(
    private readonly noticeLog: NoticeLog,
    private readonly counters: Counters,
  ) {}

  /**
   * Puts the same bytes on the connections of all local members but `except`. Skips members that read too slowly, which get
   * `sys.gap` in the place of the message.
   *
   * @param except the sender, where it is a local session; the bytes count for its turn
   */
  send({ local }: Room, frame: Frame, except?: Session): GroupReceipt {
    const isLarge = local.size > SAME_TURN_MEMBERS;
    let delivered = 0;
    let skipped = 0;
    for (const member of local) {
      if (member === except) continue;
      if (member.outbox.overloaded) {
        this.noticeLog.miss(member);
        skipped++;
        continue;
      }
      this.noticeLog.catchUp(member);
      if (isLarge) member.sendShared(frame);
      else member.send(frame);
      delivered++;
    }
    this.counters.fannedOutTo(delivered, skipped);
    except?.outbox.chargeTurn(delivered * frame.length);
    return { delivered, skipped };
  }
}
