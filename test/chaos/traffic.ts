import type { Random } from '../support/random.js';
import type { ChaosClient, ChaosUser } from './chaos-client.js';

const STEP_MS = 50;
export const MESSAGES_PER_STEP = 40;
/** Messages to rooms and to users, and sessions that go from one room to another. */
const GROUP_MESSAGES_PER_STEP = 2;
const MOVES_PER_STEP = 1;

/** Sends messages of every kind between the clients that have a session, until it is stopped. */
export class Traffic {
  readonly #timer = setInterval(() => this.#step(), STEP_MS);

  constructor(
    private readonly clients: readonly ChaosClient[],
    private readonly users: readonly ChaosUser[],
    private readonly random: Random,
  ) {}

  stop(): void {
    clearInterval(this.#timer);
  }

  #step(): void {
    const { random } = this;
    const present = this.clients.filter(({ record }) => record !== undefined);
    if (present.length < 2) return;
    for (let count = 0; count < MESSAGES_PER_STEP; count++)
      random.pick(present).sendTo(random.pick(present).record!.id);
    for (let count = 0; count < GROUP_MESSAGES_PER_STEP; count++) {
      random.pick(present).sendToRoom();
      random.pick(present).sendTo(`@${random.pick(this.users).name}`);
    }
    for (let count = 0; count < MOVES_PER_STEP; count++) random.pick(present).moveRoom();
  }
}
