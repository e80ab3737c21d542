import { setImmediate as turn } from 'node:timers/promises';
import { startServer, type TestServer } from '../support/server.js';
import { Random } from '../support/random.js';
import { ResumableLine } from '../support/resumable-line.js';
import { AUTH, token } from '../support/tokens.js';
import { ResumeActor } from './resume-actor.js';
import { ResumeLedger } from './resume-ledger.js';
import { ROOMS, TrafficModule, type Participant } from './resume-traffic.js';

const ACTORS = 6;
const USERS = 3;
/** Milliseconds within which all that was sent arrives once no connection is cut any more. */
const ARRIVAL_MS = 20_000;

/** Servers on both paths, with and without notices of sessions that are away. */
export async function startServers(): Promise<TestServer[]> {
  const settings = { ...AUTH, AUTH: 'optional', ARRIVAL_NOTICES: 'off', RESUME_BYTES: '1000000' };
  const variants = ['on', 'off'].flatMap((FAST_LANE) =>
    ['0', '1'].map((AWAY_NOTICE_MS) => ({ FAST_LANE, AWAY_NOTICE_MS })),
  );
  return Promise.all(variants.map((variant) => startServer({ ...settings, ...variant }, [TrafficModule])));
}

/** The result of one seed. */
export interface Outcome {
  /** Messages that were lost, doubled, out of order or unexpected. */
  readonly violations: readonly string[];
  readonly received: number;
}

/** Lets clients send and lose their connections at random, then waits until all has arrived. */
export async function runSeed(
  server: TestServer,
  seed: number,
  log: (text: string) => void = () => undefined,
): Promise<Outcome> {
  const actors: ResumeActor[] = [];
  for (let index = 0; index < ACTORS; index++) actors.push(await openActor(server, seed, index, log));
  const client = await server.connect();
  const observer: Participant = { index: ACTORS, id: client.id, user: undefined, rooms: [] };
  const all: Participant[] = [...actors, observer];
  for (const actor of actors) await actor.settled(); // all notices of the joins have arrived
  const ledger = new ResumeLedger(all);
  for (const actor of actors) actor.record(ledger);
  client.socket.on('message', (data) => ledger.onReceived(observer, (data as Buffer).toString()));

  await Promise.all(
    actors.map((actor) =>
      actor.run(ledger, all).catch((error: unknown) => ledger.violation(actor, (error as Error).message)),
    ),
  );
  const deadlineMs = performance.now() + ARRIVAL_MS;
  while (!ledger.isSettled && ledger.violations.length === 0 && performance.now() < deadlineMs) await turn();
  for (let count = 0; count < 20; count++) await turn(); // frames too many would follow at once
  const violations = [...ledger.violations, ...ledger.missing()];

  client.inbox.length = 0;
  client.socket.removeAllListeners('message');
  await Promise.all([client.close(1000), ...actors.map((actor) => actor.end())]);
  return { violations, received: ledger.received };
}

async function openActor(
  { port }: TestServer,
  seed: number,
  index: number,
  log: (text: string) => void,
): Promise<ResumeActor> {
  const user = `u${index % USERS}`;
  const rooms = ROOMS.slice(0, index % 2 === 0 ? 2 : 1);
  const line = new ResumableLine(port, { headers: [`Authorization: Bearer ${await token({ sub: user })}`] });
  await line.open();
  const actor = new ResumeActor(index, user, rooms, line, new Random(seed * ACTORS + index), log);
  await actor.join();
  return actor;
}
