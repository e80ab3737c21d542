import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type { DeliveryCallback } from '../../src/cluster/backplane.js';
import { Clock } from '../../src/cluster/clock.js';
import { textFrame, type Frame } from '../../src/protocol/index.js';
import { SessionResumption } from '../../src/resume/session-resumption.js';
import { UndeliveredReports } from '../../src/resume/undelivered.js';
import { Counters } from '../../src/telemetry/counters.js';
import { readSettings } from '../../src/settings/environment.js';
import { Log } from '../../src/telemetry/log.js';
import { FakeBackplane, Groups, remoteId } from '../support/groups.js';
import { FakeConnection, textsOf, type FakeSession } from '../support/sessions.js';

const BUDGET_BYTES = 1_000_000;

/** Keeps the messages to sessions of other nodes. */
class RemoteBackplane extends FakeBackplane {
  readonly sent: string[] = [];

  override deliver(sender?: string, receiver?: string, frame?: Frame, _?: DeliveryCallback): 'receiver_not_found' {
    if (frame !== undefined) this.sent.push(`${sender} ${receiver} ${textsOf(frame)[0]}`);
    return 'receiver_not_found';
  }
}

/** Waits until all frames that wait have been read. */
async function turns(): Promise<void> {
  for (let count = 0; count < 10; count++) await turn();
}

describe('sys.undelivered', () => {
  let groups: Groups;
  let backplane: RemoteBackplane;
  let reports: UndeliveredReports;
  let sender: FakeSession;

  beforeEach(() => {
    backplane = new RemoteBackplane();
    groups = new Groups({ ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none' }, backplane);
    const settings = readSettings({ RESUME_BUDGET_BYTES: String(BUDGET_BYTES) });
    const clock = new Clock(new Log(settings));
    reports = new UndeliveredReports(groups.registry, groups.remoteDelivery, clock, new Counters(), settings);
    sender = groups.open();
  });

  interface Sent {
    readonly from?: string;
    readonly receiver?: string;
    readonly id?: string | undefined;
    readonly data?: string;
  }

  /** Sends a message of a client to a session. The key order is that of the client. */
  function send(
    to: FakeSession,
    { from = sender.session.id, receiver = to.session.id, id = '1', data }: Sent = {},
  ): void {
    const rest = JSON.stringify({ data, receiver, id, type: 'chat' }).slice(1);
    const outcome = groups.localDelivery.deliver(from, to.session, textFrame(`{"sender":"${from}",${rest}`));
    expect([undefined, 'held']).toContain(outcome);
  }

  /** Sends a message of a client without an `id`. */
  function sendWithoutId(to: FakeSession): void {
    const frame = textFrame(`{"sender":"${sender.session.id}","type":"chat","receiver":"${to.session.id}"}`);
    expect(groups.localDelivery.deliver(sender.session, to.session, frame)).toBeUndefined();
  }

  /** Returns what the sender got, as references and receivers. */
  function reported(): string[] {
    sender.session.outbox.flushAll();
    return sender.connection.envelopes.flatMap(({ type, ref, receiver, data }) => {
      if (type !== 'sys.undelivered') return [];
      expect(receiver).toBe(sender.session.id);
      return [`${ref} ${(data as { receiver: string }).receiver}`];
    });
  }

  it('follows for each message with an id that was held, or sent and not seen', async () => {
    const away = groups.openResumable('ann');
    const { id } = away.session;
    for (const ref of ['seen', 'sent']) send(away, { id: ref });
    away.session.outbox.flush();
    expect((away.session.resumption as SessionResumption).replay.forget(1, true)).toBe(true);
    sendWithoutId(away);
    groups.lose(away);
    send(away, { id: 'held' });
    send(away, { id: 'user "é"', receiver: '@ann' });
    await turn();
    expect(reported()).toEqual([]);
    groups.registry.end(away.session, 1006);
    await turn();
    expect(reported()).toEqual([`sent ${id}`, `held ${id}`, `user "é" ${id}`]);
    await turn();
    expect(reported()).toHaveLength(3);
  });

  it('does not follow for broadcasts, rooms, other users, the server, and what the client has seen', async () => {
    const away = groups.openResumable('ann');
    groups.lose(away);
    for (const receiver of ['*', '#garden', '@bob', sender.session.id]) send(away, { receiver });
    const server = textFrame(`{"sender":"server/shop","type":"chat","receiver":"${away.session.id}","id":"1"}`);
    expect(groups.localDelivery.deliver('server/shop', away.session, server)).toBe('held');
    const answer = textFrame(`{"type":"sum","sender":"server","receiver":"${away.session.id}","ref":"1","id":"1"}`);
    expect(groups.localDelivery.deliver('server', away.session, answer)).toBe('held');
    groups.registry.end(away.session, 1006);
    await turn();
    expect(reported()).toEqual([]);
    expect(backplane.sent).toEqual([]);
  });

  it('follows where the session ends by the server or the client while it is connected', async () => {
    const [kicked, shed] = [groups.openResumable(), groups.openResumable()];
    for (const each of [kicked, shed]) send(each);
    groups.registry.end(kicked.session, 4000);
    shed.session.shed(4100);
    await turns();
    expect(reported()).toEqual([`1 ${kicked.session.id}`, `1 ${shed.session.id}`]);
  });

  it('is sent to the node of a remote sender, and not to a sender that has left', async () => {
    const away = groups.openResumable();
    const gone = groups.open();
    const remote = remoteId('A', 1);
    for (const from of [remote, gone.session.id, sender.session.id]) send(away, { from });
    groups.registry.end(gone.session, 1000);
    groups.registry.end(away.session, 1006);
    await turns();
    expect(reported()).toHaveLength(1);
    expect(backplane.sent.filter((text) => text.startsWith(`server ${remote} `))).toEqual([
      `server ${remote} {"type":"sys.undelivered","sender":"server","receiver":"${remote}","ref":"1","data":{"receiver":"${away.session.id}"}}`,
    ]);
  });

  it('reaches a sender that is away, too', async () => {
    sender = groups.openResumable();
    const other = groups.openResumable();
    send(other);
    groups.lose(sender);
    groups.registry.end(other.session, 1006);
    await turns();
    const connection = new FakeConnection();
    groups.registry.resume(sender.session, connection, textFrame('{"type":"sys.welcome"}'));
    sender = { session: sender.session, connection };
    await turns();
    expect(reported()).toEqual([`1 ${other.session.id}`]);
  });

  it('is divided over turns, and frees the budget of the session at once', async () => {
    const away = groups.openResumable();
    groups.lose(away);
    for (let count = 0; count < 1500; count++) send(away, { id: String(count) });
    away.session.outbox.flush();
    const { replay } = away.session.resumption as SessionResumption;
    groups.registry.end(away.session, 1006);
    expect(replay.bytes).toBe(0);
    await turn();
    const first = reported().length;
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(1000);
    await turns();
    expect(reported().map((text) => text.split(' ')[0])).toEqual(
      Array.from({ length: 1500 }, (_, count) => String(count)),
    );
  });

  it('reads more at once where more than RESUME_BUDGET_BYTES wait', () => {
    const data = 'x'.repeat(50_000);
    for (let count = 0; count < 30; count++) {
      const away = groups.openResumable();
      groups.lose(away);
      send(away, { data });
      groups.registry.end(away.session, 1006);
    }
    expect(reported().length).toBeGreaterThanOrEqual(10);
    expect(reported().length).toBeLessThan(30);
    reports.beforeApplicationShutdown();
    expect(reported()).toHaveLength(30);
  });
});
