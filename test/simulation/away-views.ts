import type { Client } from './promises.js';

/** The rules of one run. */
interface AwayRules {
  readonly breach: (text: string) => void;
  readonly nameOf: (id: string) => string;
}

/** Follows which sessions are away as clients see them by notices: `sys.away` and `sys.back` come in turns. */
export class AwayViews {
  readonly #away = new Map<Client, Set<string>>();

  constructor(private readonly rules: AwayRules) {}

  away(client: Client, id: string): void {
    const what = `${client.name} received that ${this.rules.nameOf(id)} is away`;
    if (id === client.id) this.rules.breach(`${what}, which is itself`);
    if (!client.arrived.has(id) && !client.knownAtOpening.has(id)) this.rules.breach(`${what}, which it does not know`);
    if (client.departed.has(id)) this.rules.breach(`${what} after its departure`);
    if (!this.#awayOf(client).has(id)) this.#awayOf(client).add(id);
    else this.rules.breach(`${what} twice`);
  }

  back(client: Client, id: string): void {
    const wasAway = this.#awayOf(client).delete(id) || client.awayAtOpening.has(id);
    if (!wasAway || client.departed.has(id))
      this.rules.breach(`${client.name} received that ${this.rules.nameOf(id)} is back, which was not away`);
  }

  /** Checks the views once all clients have come back. */
  settle(alive: readonly Client[]): void {
    for (const client of alive)
      for (const { id, name } of alive)
        if (this.#awayOf(client).has(id)) this.rules.breach(`${client.name} received no notice that ${name} is back`);
  }

  #awayOf(client: Client): Set<string> {
    let away = this.#away.get(client);
    if (away === undefined) this.#away.set(client, (away = new Set()));
    return away;
  }
}
