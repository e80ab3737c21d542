import { setTimeout } from 'node:timers/promises';
import { connect, type Client, type Received } from './client.js';

/** A running client program of another project. */
export interface Running {
  /** Resolves to a printed frame, printed before or later. */
  printed(type: string, sender: string): Promise<Received>;
  /** Resolves when the program ends, to true if without an error. */
  readonly ended: Promise<boolean>;
  /** All output, for the report of a failure. */
  readonly log: string;
}

/** The steps of a conversation, in the order of the table. */
const STEPS = ['connects', 'welcome', 'exchange', 'departure', 'clean close'] as const;

/** Enough for a compiler, a virtual machine or a browser to start on a busy machine. */
const STEP_LIMIT_MS = 60_000;

/**
 * Has a conversation with a client program and returns which steps succeeded. A program that ends, or that does nothing
 * for too long, fails the remaining steps.
 *
 * @param start starts the program after the other sessions have connected
 */
export async function converse(url: string, ca: string, start: () => Promise<Running>): Promise<Map<string, boolean>> {
  const taken = new Map<string, boolean>(STEPS.map((step) => [step, false]));
  const partner = await connect(url, { ca });
  const watcher = await connect(url, { ca });
  const running = await start();
  const unlessEnded = <Value>(promise: Promise<Value>): Promise<Value | undefined> =>
    Promise.race([promise, running.ended.then(() => undefined), limit()]);
  try {
    const arrival = await unlessEnded(watcher.next('sys.arrived'));
    if (arrival === undefined) return taken;
    taken.set('connects', true);

    const hello = await unlessEnded(partner.next('hello'));
    if (hello?.sender !== arrival.sender) return taken;
    const welcome = await unlessEnded(running.printed('sys.welcome', 'server'));
    if (welcome?.receiver !== hello.sender) return taken;
    taken.set('welcome', true);

    partner.send({ type: 'chat', receiver: hello.sender, data: { text: 'hello to you' } });
    const chat = await unlessEnded(running.printed('chat', partner.id));
    partner.send({ type: 'hello', receiver: hello.sender });
    const answer = await unlessEnded(partner.next('chat'));
    if (chat?.data.text !== 'hello to you' || answer?.data.text !== 'hello yourself') return taken;
    taken.set('exchange', answer.sender === hello.sender);

    await partner.close(1000);
    const departure = await unlessEnded(running.printed('sys.departed', partner.id));
    if (departure === undefined) return taken;
    taken.set('departure', true);

    const code = await Promise.race([departureOf(hello.sender, watcher), limit()]);
    taken.set('clean close', code === 1000 && (await Promise.race([running.ended, limit()])) === true);
    return taken;
  } finally {
    await Promise.all([partner.close(1000), watcher.close(1000)]);
  }
}

/** Resolves to nothing after the time limit of a step. */
async function limit(): Promise<undefined> {
  return setTimeout(STEP_LIMIT_MS, undefined, { ref: false });
}

/** Resolves to the code in the departure notice of a session. */
async function departureOf(id: string, watcher: Client): Promise<unknown> {
  for (;;) {
    const { sender, data } = await watcher.next('sys.departed');
    if (sender === id) return data.code;
  }
}
