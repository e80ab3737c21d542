import { afterEach, describe, expect, it } from 'vitest';
import { RoomIndex } from '../../src/groups/room-index.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { clientFrame } from '../support/client-frames.js';
import { connect } from '../support/client.js';
import { RawClient } from '../support/raw-client.js';
import { joinRoom, settle } from '../support/rooms.js';
import { startServer, type TestServer } from '../support/server.js';
import { openSession } from '../support/sessions.js';

/** Members of the room, with the one that counts its notices. */
const MEMBERS = 400;
const CHANGES = 450;
/** Far below what the attacker asks for, so that the rate adds little while the test runs. */
const PER_SECOND = 5000;

describe.each(['on', 'off'])('joins and leaves of one session, fast lane %s,', { timeout: 30_000 }, (FAST_LANE) => {
  let server: TestServer;
  afterEach(() => server.stop());

  it('are charged by their notices, and each is answered in order', async () => {
    const variables = { ARRIVAL_NOTICES: 'off', NOTICE_SCOPE: 'none' };
    server = await startServer({ FAST_LANE, BROADCAST_RECEIVERS_PER_SECOND: String(PER_SECOND), ...variables });
    const rooms = server.app.get(RoomIndex, { strict: false });
    const member = await connect(server.url);
    await joinRoom(member, 'siege');
    for (let count = 1; count < MEMBERS; count++)
      rooms.join(openSession(server.app.get(SessionRegistry)).session, 'siege');
    await settle(member);
    member.inbox.splice(0);

    const attacker = await RawClient.open(server.port);
    const requests = Array.from({ length: CHANGES }, (_, id) =>
      ['join', 'leave'].map((type) => clientFrame(`{"type":"sys.${type}","receiver":"#siege","id":"${type} ${id}"}`)),
    );
    const begunMs = performance.now();
    attacker.socket.write(Buffer.concat(requests.flat()));
    while (attacker.lines.length < 2 * CHANGES && !attacker.over) await new Promise(setImmediate);
    const seconds = (performance.now() - begunMs) / 1000;
    const answers = attacker.lines.map((line) => JSON.parse(line.slice(5)) as { type: string; ref: string });
    expect(answers.map(({ ref }) => ref)).toEqual(
      Array.from({ length: CHANGES }, (_, id) => [`join ${id}`, `leave ${id}`]).flat(),
    );
    const joins = answers.filter(({ type }) => type === 'sys.members').length;
    const refused = answers.filter(({ type }) => type === 'sys.error');
    // The burst of one second, the rate since, and one join that takes the last receiver.
    const most = (PER_SECOND * (1 + seconds)) / (2 * MEMBERS) + 1;
    expect(joins).toBeGreaterThanOrEqual(Math.floor(PER_SECOND / (2 * MEMBERS)));
    expect(joins).toBeLessThanOrEqual(Math.ceil(most));
    expect(refused).toHaveLength(CHANGES - joins);
    for (const { ref } of refused) expect(ref).toMatch(/^join/);
    await settle(member);
    expect(member.inbox.map(({ type }) => type)).toEqual(
      Array.from({ length: joins }, () => ['sys.joined', 'sys.left']).flat(),
    );
  });
});
