/** A client whose rooms are followed, and what it has received. */
export interface GroupClient {
  readonly id: string;
  readonly name: string;
  readonly user: string | undefined;
  readonly endedMs: number | undefined;
  /** The numbers of the messages that it received. */
  readonly received: ReadonlySet<number>;
  /** Sessions whose `sys.departed` it received. */
  readonly departed: ReadonlyMap<string, number>;
}

/** Rules of one test, because time is exact in one test and not in another. */
export interface GroupRules<Client> {
  readonly now: () => number;
  readonly breach: (text: string) => void;
  /** The clients of all sessions, also those that ended, by id. */
  readonly clients: ReadonlyMap<string, Client>;
  /** Whether the end of a session may be decided by now. */
  readonly mayHaveEnded: (id: string) => boolean;
  /** Whether a client must have a message that was answered at this moment, because it was still open. */
  readonly mustHave: (client: Client, answeredMs: number) => boolean;
  /** The time before a message within which one of its receivers may have ended. */
  readonly slackMs: number;
}

/** The membership of one client in a room, from `sys.members` to its end. */
interface Stint {
  /** The other members, by `sys.members` and the notices since; each membership is an object of its own. */
  readonly others: Map<string, object>;
  isLeaving: boolean;
}

/** A member as the sender saw it when it sent a message. */
interface SeenMember<Client> {
  readonly client: Client;
  readonly membership: object;
  readonly stint: Stint;
}

interface Sent<Client> {
  readonly receiver: string;
  readonly sentMs: number;
  readonly stint: Stint | undefined;
  readonly members: readonly SeenMember<Client>[];
}

interface Counted {
  readonly number: number;
  readonly receiver: string;
  readonly sentMs: number;
  readonly sessions: number;
}

/** The numbers in an answer. */
export interface AnswerCounts {
  readonly sessions?: number | undefined;
  /** Sessions that are away, for which the message is kept. */
  readonly held?: number | undefined;
  readonly skipped?: number | undefined;
}

/**
 * Follows rooms and users as their clients see them, and checks the promises of the protocol: the list of members and
 * the notices never disagree, each join and leave arrives once, a message to a room arrives between those of its sender,
 * and an accepted one at every member that the sender saw.
 */
export class GroupViews<Client extends GroupClient> {
  readonly #stints = new Map<Client, Map<string, Stint>>();
  readonly #sent = new Map<number, Sent<Client>>();
  readonly #expected: { readonly number: number; readonly client: Client; readonly answeredMs: number }[] = [];
  readonly #counted: Counted[] = [];
  /** Sessions that received each message to a user. */
  readonly #receipts = new Map<number, number>();
  /** Sessions of which each client received `sys.left` with a code. */
  readonly #ended = new Map<Client, Set<string>>();
  /** When clients gave up connections without a welcome, by user: the server may have opened a session for each. */
  readonly #unwelcomed = new Map<string, number[]>();
  /** Clients that were passed over. */
  readonly #excused = new Set<Client>();
  /** Accepted messages that were expected at some member. */
  expected = 0;
  /** Notices of rooms that were received. */
  notices = 0;

  constructor(private readonly rules: GroupRules<Client>) {}

  /** Returns the rooms of a client. */
  roomsOf(client: Client): string[] {
    return [...(this.#stints.get(client)?.keys() ?? [])];
  }

  /** Records `sys.members`: the client is a member from now on. */
  listed(client: Client, room: string, sessions: readonly string[]): void {
    const { breach } = this.rules;
    if (!sessions.includes(client.id)) breach(`${client.name} is not in its own list of ${room}`);
    const others = new Map(sessions.filter((id) => id !== client.id).map((id) => [id, {}]));
    if (others.size + 1 < sessions.length) breach(`${client.name} received a member of ${room} twice`);
    const known = this.#stint(client, room);
    if (known === undefined) this.#roomsOf(client).set(room, { others, isLeaving: false });
    else if (textOf(known.others.keys()) !== textOf(others.keys()))
      breach(`${client.name} received another list of ${room} than the notices make`);
  }

  /** Records that a client asks to leave: messages may miss it from now on. */
  leaves(client: Client, room: string): void {
    const stint = this.#stint(client, room);
    if (stint !== undefined) stint.isLeaving = true;
  }

  joined(client: Client, room: string, id: string): void {
    this.notices++;
    const stint = this.#stint(client, room);
    const what = `${client.name} received the join of ${this.#name(id)} to ${room}`;
    if (stint === undefined) return this.rules.breach(`${what}, where it is no member`);
    if (id === client.id) this.rules.breach(`${what}, which is its own`);
    if (stint.others.has(id)) this.rules.breach(`${what}, which is a member`);
    if (client.departed.has(id)) this.rules.breach(`${what} after its departure`);
    stint.others.set(id, {});
  }

  /**
   * Records `sys.left`, or the answer to `sys.leave`.
   *
   * @param id the session that left, which may be that of the client
   * @param code of the notice, where the session ended
   */
  left(client: Client, room: string, id: string, code?: number): void {
    if (id === client.id) return void this.#roomsOf(client).delete(room);
    this.notices++;
    const stint = this.#stint(client, room);
    const what = `${client.name} received the leave of ${this.#name(id)} from ${room}`;
    if (stint === undefined) return this.rules.breach(`${what}, where it is no member`);
    if (!stint.others.delete(id)) this.rules.breach(`${what}, which is no member`);
    if (code === undefined) return;
    if (!this.#ended.get(client)?.add(id)) this.#ended.set(client, new Set([id]));
    if (!this.rules.mayHaveEnded(id)) this.rules.breach(`${what} with the code ${code} before its end`);
  }

  /** Records `sys.gap`. */
  missed(client: Client): void {
    this.#excused.add(client);
  }

  /** Records that a client sends a message. @param receiver a user or room */
  sent(number: number, sender: Client, receiver: string): void {
    const room = receiver.slice(1);
    const stint = receiver.startsWith('#') ? this.#stint(sender, room) : undefined;
    const members: SeenMember<Client>[] = [];
    for (const [id, membership] of stint?.others ?? []) {
      const client = this.rules.clients.get(id);
      const own = client === undefined ? undefined : this.#stint(client, room);
      if (own?.isLeaving === false) members.push({ client: client!, membership, stint: own });
    }
    this.#sent.set(number, { receiver, sentMs: this.rules.now(), stint, members });
  }

  /** Checks that a client may receive a message to this user or room now. */
  received(client: Client, sender: string, receiver: string, number: number): void {
    const what = `${client.name} received ${number} of ${this.#name(sender)} to ${receiver}`;
    if (sender === client.id) this.rules.breach(`${what}, which it sent`);
    if (receiver.startsWith('@')) {
      this.#receipts.set(number, (this.#receipts.get(number) ?? 0) + 1);
      if (receiver !== `@${client.user}`) this.rules.breach(`${what} for another user`);
      return;
    }
    const stint = this.#stint(client, receiver.slice(1));
    if (stint === undefined) this.rules.breach(`${what}, where it is no member`);
    else if (!stint.others.has(sender)) this.rules.breach(`${what}, whose sender is no member`);
  }

  /** Records that a connection of a user was lost before its welcome: its session may be counted, and receives nothing. */
  unwelcomed(user: string): void {
    const times = this.#unwelcomed.get(user);
    if (times === undefined) this.#unwelcomed.set(user, [this.rules.now()]);
    else times.push(this.rules.now());
  }

  /** Records the answer to a message; does nothing for one to a session or to all. */
  answered(number: number, answer: string, { sessions, held = 0, skipped }: AnswerCounts): void {
    const sent = this.#sent.get(number);
    if (sent === undefined) return;
    this.#sent.delete(number);
    const { receiver, sentMs, stint, members } = sent;
    if (answer === 'routed' || answer === 'held')
      this.#counted.push({ number, receiver, sentMs, sessions: (sessions ?? Number.POSITIVE_INFINITY) + held });
    if (answer !== 'accepted' || skipped !== undefined) return;
    const room = receiver.slice(1);
    if (members.length > 0) this.expected++;
    for (const { client, membership, stint: own } of members) {
      const isMember = own === this.#stint(client, room) && !own.isLeaving;
      if (isMember && stint?.others.get(client.id) === membership && !client.received.has(number))
        this.#expected.push({ number, client, answeredMs: this.rules.now() });
    }
  }

  /** Checks everything once nothing is under way any more. */
  settle(alive: readonly Client[]): void {
    const { breach, clients, mustHave } = this.rules;
    for (const { number, client, answeredMs } of this.#expected)
      if (!client.received.has(number) && !this.#excused.has(client) && mustHave(client, answeredMs))
        breach(`${number} was accepted and not delivered to the member ${client.name}`);
    for (const counted of this.#counted) this.#checkCount(counted);
    // A client that has ended may have been on a node that declared another one dead, and ended without fencing it.
    for (const client of alive)
      for (const id of this.#ended.get(client) ?? [])
        if (clients.get(id)?.endedMs === undefined && clients.has(id))
          breach(`${client.name} received that ${this.#name(id)} left with a code, and it is connected`);
    for (const text of this.disagreements(alive)) breach(text);
  }

  /** Lists the clients that do not know the members of a room of theirs. */
  disagreements(alive: readonly Client[]): string[] {
    return alive.flatMap((client) =>
      [...this.#roomsOf(client)].flatMap(([room, { others }]) => {
        const listed = [...others.keys(), client.id];
        if (textOf(listed) === textOf(this.membersOf(room, alive))) return [];
        return [`${client.name} does not know the members of ${room}`];
      }),
    );
  }

  /** Returns the ids of the members of a room, in order, as they see it themselves. */
  membersOf(room: string, alive: readonly Client[]): string[] {
    return alive
      .filter((client) => this.#stint(client, room) !== undefined)
      .map(({ id }) => id)
      .toSorted();
  }

  /** A session of the user that ended meanwhile may be among the counted ones. */
  #checkCount({ number, receiver, sentMs, sessions }: Counted): void {
    const received = this.#receipts.get(number) ?? 0;
    if (received >= sessions) return;
    const ended = this.#endedOf(receiver.slice(1), sentMs - this.rules.slackMs);
    if (received + ended < sessions)
      this.rules.breach(`${number} to ${receiver} was routed to ${sessions} sessions, and reached ${received}`);
  }

  #endedOf(user: string, fromMs: number): number {
    let ended = (this.#unwelcomed.get(user) ?? []).filter((endedMs) => endedMs >= fromMs).length;
    for (const { user: other, endedMs } of this.rules.clients.values())
      if (other === user && endedMs !== undefined && endedMs >= fromMs) ended++;
    return ended;
  }

  #stint(client: Client, room: string): Stint | undefined {
    return client.endedMs === undefined ? this.#stints.get(client)?.get(room) : undefined;
  }

  #roomsOf(client: Client): Map<string, Stint> {
    let rooms = this.#stints.get(client);
    if (rooms === undefined) this.#stints.set(client, (rooms = new Map()));
    return rooms;
  }

  #name(id: string): string {
    return this.rules.clients.get(id)?.name ?? id;
  }
}

function textOf(ids: Iterable<string>): string {
  return [...ids].toSorted().join();
}
