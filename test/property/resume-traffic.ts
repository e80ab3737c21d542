import { Module } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WsException } from '@nestjs/websockets';
import { setImmediate as turn } from 'node:timers/promises';
import { MessagingGateway } from '../../src/gateway/nest/messaging-gateway.decorator.js';
import { Sender } from '../../src/gateway/nest/session.decorators.js';
import { Switchboard } from '../../src/messaging/switchboard.js';
import type { Session } from '../../src/sessions/session.js';
import type { Random } from '../support/random.js';

/** A room of all clients that may join, and a room of every second one. */
export const ROOMS = ['#all', '#even'] as const;

/** Handlers whose answers name the number of the message that they answer. */
@MessagingGateway()
class TrafficGateway {
  constructor(private readonly switchboard: Switchboard) {}

  @SubscribeMessage('p.stream')
  async *stream(@MessageBody() body: unknown): AsyncGenerator<[number, number]> {
    const [number, count] = body as [number, number];
    for (let index = 0; index < count; index++) {
      await turn();
      yield [number, index];
    }
  }

  @SubscribeMessage('p.echo')
  async echo(@MessageBody() body: unknown): Promise<unknown> {
    await turn();
    return body;
  }

  @SubscribeMessage('p.relay')
  relay(@MessageBody() body: unknown, @Sender() sender: Session): void {
    this.switchboard.send(sender, '#all', 'relayed', body);
  }

  @SubscribeMessage('p.fail')
  fail(): never {
    throw new WsException('no');
  }
}

@Module({ providers: [TrafficGateway] })
export class TrafficModule {}

/** A client that takes part: resumable, or an observer without a user and rooms that does not lose its connection. */
export interface Participant {
  readonly index: number;
  readonly id: string;
  readonly user: string | undefined;
  readonly rooms: readonly string[];
}

/** A message, and what it must bring about. */
export interface Traffic {
  readonly text: string;
  readonly number: number;
  readonly id: string | undefined;
  /** The data as receivers get it. */
  readonly data: string;
  readonly receivers: readonly Participant[];
  /** The type that receivers get. */
  readonly type: 'm' | 'relayed';
  /** The answers in their order, as {@link describeAnswer} writes them, `|` between alternatives. */
  readonly answers: readonly string[];
}

/** Writes an answer in short; the answer to a message to a user with the number of all sessions that got it. */
export function describeAnswer({ type, data }: { readonly type: string; readonly data: unknown }): string {
  if (type === 'sys.error') return (data as { code: string }).code;
  if (type !== 'sys.ack') return `${type} ${JSON.stringify(data)}`;
  const { status, sessions, held = 0, ...others } = data as { status: string; sessions?: number; held?: number };
  const count = sessions === undefined ? '' : ` ${sessions + held}`;
  return `${status}${count}${Object.keys(others).join(',')}`;
}

/** Kinds of messages: those that are routed come first. */
export const KINDS = { routed: 6, any: 10 } as const;

/**
 * Makes a message of one of the first `kinds` kinds.
 *
 * @param number its number, which no other message of the sender has
 */
export function anyTraffic(
  random: Random,
  number: number,
  from: Participant,
  all: readonly Participant[],
  kinds: number = KINDS.any,
): Traffic {
  const id = random.once(3) ? undefined : `${number}`;
  const fill = 'f'.repeat(random.once(25) ? random.between(1000, 20_000) : random.below(60));
  const data = JSON.stringify([number, fill]);
  const others = all.filter(({ index }) => index !== from.index);
  const routed = (receiver: string, receivers: readonly Participant[], ...answers: string[]): Traffic => {
    const forged = random.once(8) ? '"sender":"forged",' : ''; // such an envelope takes the slow path
    const text = `{${forged}"type":"m","receiver":"${receiver}",${id === undefined ? '' : `"id":"${id}",`}"data":${data}}`;
    return { text, number, id, data, receivers, type: 'm', answers };
  };
  const handled = (type: string, values: readonly number[], ...answers: string[]): Traffic => {
    const text = JSON.stringify({ type, id, data: values });
    return { text, number, id, data: '', receivers: [], type: 'm', answers };
  };
  switch (random.below(kinds)) {
    case 0:
    case 1:
    case 2: {
      const receiver = random.pick(others);
      return routed(receiver.id, [receiver], 'routed|held');
    }
    case 3: {
      const user = random.pick(others.filter((each) => each.user !== undefined)).user!;
      const receivers = others.filter((each) => each.user === user);
      return routed(`@${user}`, receivers, `routed ${receivers.length}|held ${receivers.length}`);
    }
    case 4: {
      const room = random.pick(ROOMS);
      if (!from.rooms.includes(room)) return routed(room, [], 'not_joined');
      return routed(
        room,
        others.filter(({ rooms }) => rooms.includes(room)),
        'accepted',
      );
    }
    case 5:
      return routed('*', others, 'accepted');
    case 6: {
      const count = random.below(6);
      const values = Array.from({ length: count }, (_, index) => `p.stream [${number},${index}]`);
      return handled('p.stream', [number, count], ...values, 'accepted');
    }
    case 7:
      return handled('p.echo', [number], `p.echo [${number}]`, 'accepted');
    case 8: {
      const receivers = others.filter(({ rooms }) => rooms.includes('#all'));
      return { ...handled('p.relay', [number], 'accepted'), data: `[${number}]`, receivers, type: 'relayed' };
    }
    default:
      return random.once(2) ? routed('nobody', [], 'receiver_not_found') : handled('p.fail', [], 'refused');
  }
}
