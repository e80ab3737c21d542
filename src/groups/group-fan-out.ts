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
   * Puts the same bytes on the connections of all local members but `except`, and keeps them for members that are away. Skips
   * members whose outbox refuses them, which get `sys.gap` in the place of the message.
   *
   * @param except the sender, where it is a local session; the bytes count for its turn
   */
  send({ local }: Room, frame: Frame, except?: Session): GroupReceipt {
    const isLarge = local.size > SAME_TURN_MEMBERS;
    let sent = 0;
    let held = 0;
    let skipped = 0;
    for (const member of local) {
      if (member === except) continue;
      this.noticeLog.catchUp(member);
      if (!member.outbox.isDirect) {
        if (member.outbox.refuses(frame.length)) {
          member.missMessage();
          skipped++;
          continue;
        }
        if (member.state === 'away') held++;
      }
      if (isLarge) member.sendShared(frame);
      else member.send(frame);
      sent++;
    }
    this.counters.fannedOutTo(sent, skipped);
    except?.outbox.chargeTurn(sent * frame.length);
    return held === 0 ? { delivered: sent, skipped } : { delivered: sent - held, skipped, held };
  }
}
