import { UseGuards } from '@nestjs/common';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { Emits, MessagingGateway, Sender, SERVER, Session, Switchboard, type OnSessionDeparture } from 'switchboard';
import { JoinDto, LeaveDto, SayDto } from './group-chat.dto.js';
import { Groups } from './groups.js';
import { History, type Line } from './history.js';
import { MemberGuard } from './member.guard.js';

/** Lines of history in the reply to `group.join`. */
const SHOWN_LINES = 50;

/** Handles joining a group, sending to it and leaving it. No session can forge what the gateway emits. */
@Emits('group.joined', 'group.line', 'group.left')
@MessagingGateway()
export class GroupChatGateway implements OnSessionDeparture {
  constructor(
    private readonly groups: Groups,
    private readonly history: History,
    private readonly switchboard: Switchboard,
  ) {}

  /** Replies with the last lines of the group. */
  @SubscribeMessage('group.join')
  join(@MessageBody() { group, name }: JoinDto, @Sender() sender: Session): { lines: Line[] } {
    this.groups.join(sender, group, name);
    this.#notify(group, 'group.joined', { group, name }, sender);
    return { lines: this.history.last(group, SHOWN_LINES) };
  }

  /** Acknowledges the line, and sends it to the other members, once it is on the disk. */
  @UseGuards(MemberGuard)
  @SubscribeMessage('group.say')
  async say(@MessageBody() { group, text }: SayDto, @Sender() sender: Session): Promise<void> {
    const line = { group, from: this.groups.nameOf(sender, group) ?? '', text, atMs: Date.now() };
    await this.history.add(line);
    this.#notify(group, 'group.line', line, sender);
  }

  @UseGuards(MemberGuard)
  @SubscribeMessage('group.leave')
  leave(@MessageBody() { group }: LeaveDto, @Sender() sender: Session): void {
    const name = this.groups.leave(sender, group);
    this.#notify(group, 'group.left', { group, name }, sender);
  }

  onSessionDeparture(session: Session): void {
    for (const group of this.groups.groupsOf(session)) {
      const name = this.groups.leave(session, group);
      this.#notify(group, 'group.left', { group, name }, session);
    }
  }

  /** Sends to all members but one. A member that reads too slowly misses the line; the history has it. */
  #notify(group: string, type: string, data: object, except: Session): void {
    const others = [...this.groups.members(group)].filter((member) => member !== except);
    this.switchboard.multicast(SERVER, others, type, data);
  }
}
