import { quiescence } from './quiesce.js';
import type { Client, Received } from './client.js';

/** The part of a client that requests about rooms use. */
type Member = Pick<Client, 'id' | 'inbox' | 'send' | 'answer' | 'settled'>;

/** The `data` of `sys.members`. */
export interface Members {
  readonly room: string;
  readonly sessions: readonly string[];
  readonly total: number;
  readonly next?: string;
}

let requests = 0;

/** Sends a request about a receiver and returns its answer, once all nodes have the news. */
async function request(client: Member, type: string, receiver: string, data?: unknown): Promise<Received> {
  const id = `${type}-${++requests}`;
  client.send({ type, receiver, id, ...(data !== undefined && { data }) });
  const answer = await client.answer(id);
  await quiescence.reached?.();
  return answer;
}

/** Returns the data of an answer that must have this type. */
function dataOf({ type, data }: Received, expected: string): unknown {
  if (type !== expected) throw new Error(`the answer is ${type} ${JSON.stringify(data)}`);
  return data;
}

/** Makes a client a member of a room, on all nodes. @param room name without `#` */
export async function joinRoom(client: Member, room: string): Promise<Members> {
  return dataOf(await request(client, 'sys.join', `#${room}`), 'sys.members') as Members;
}

/** Makes clients members of a room, one after the other, and takes their notices of each other. */
export async function gather(room: string, ...clients: readonly Member[]): Promise<void> {
  for (const client of clients) await joinRoom(client, room);
  await settle(...clients);
  for (const { inbox } of clients) inbox.splice(0);
}

/** Ends the membership of a client, on all nodes. @param room name without `#` */
export async function leaveRoom(client: Member, room: string): Promise<void> {
  dataOf(await request(client, 'sys.leave', `#${room}`), 'sys.ack');
}

/** Requests a page of the members of a room. @param room name without `#` */
export async function membersOf(client: Member, room: string, page?: object): Promise<Members> {
  return dataOf(await request(client, 'sys.who', `#${room}`, page), 'sys.members') as Members;
}

/** Sends a request that must fail, and returns its error. */
export async function errorOf(
  client: Member,
  type: string,
  receiver: string,
  data?: unknown,
): Promise<Received['data']> {
  return dataOf(await request(client, type, receiver, data), 'sys.error');
}

/** Waits until no message is in flight between these clients. */
export async function settle(...clients: readonly Member[]): Promise<void> {
  for (let round = 0; round < 2; round++) for (const client of clients) await client.settled();
}

/** Returns the ids of clients in the order of lists. */
export function sortedIds(...clients: readonly Member[]): string[] {
  return clients.map(({ id }) => id).toSorted();
}

/** A notice that a session joined a room. */
export function joined(sender: string, room: string): object {
  return { type: 'sys.joined', sender, receiver: `#${room}`, data: {} };
}

/** A notice that a session left a room. @param code close code, where the session ended */
export function left(sender: string, room: string, code?: number): object {
  return { type: 'sys.left', sender, receiver: `#${room}`, data: code === undefined ? {} : { code } };
}

/** Replays the list and the notices of one room in the inbox of a member. Throws where they disagree. */
export class MemberView {
  readonly members = new Set<string>();

  constructor(private readonly room: string) {}

  /** Applies a message; others than those of the room have no effect. */
  apply({ type, sender, receiver, data }: Received): void {
    if (type === 'sys.members' && (data as Members).room === this.room) this.#compare((data as Members).sessions);
    if (receiver !== `#${this.room}`) return;
    if (type === 'sys.joined') {
      if (this.members.has(sender)) throw new Error(`${sender} joined twice`);
      this.members.add(sender);
    } else if (type === 'sys.left') {
      if (!this.members.delete(sender)) throw new Error(`${sender} left and was no member`);
    } else if (!this.members.has(sender)) throw new Error(`${type} of ${sender}, which is no member at this place`);
  }

  #compare(sessions: readonly string[]): void {
    const listed = sessions.toSorted().join(' ');
    if (this.members.size > 0 && listed !== [...this.members].toSorted().join(' '))
      throw new Error(`the list is ${listed}; list and notices so far give ${[...this.members].toSorted().join(' ')}`);
    for (const id of sessions) this.members.add(id);
  }
}
