/** What one session said and heard, from its welcome to its end. */
export interface Record {
  readonly id: string;
  /** The node that it is on. */
  readonly url: string;
  readonly openedMs: number;
  endedMs: number | undefined;
  /** The highest number heard from each sender: they are counted up. */
  readonly last: Map<string, number>;
  readonly heard: Set<number>;
  /** Numbers that were sent and not answered yet, with whom they were for. */
  readonly open: Map<number, string>;
  /** How often each departure was told. */
  readonly told: Map<string, number>;
}

/** When a node could not say anything to the others. */
export interface Outage {
  readonly url: string;
  readonly fromMs: number;
  readonly toMs: number;
}

interface Routed {
  readonly receiver: string;
  readonly number: number;
}

/** A departure may be decided long before its session sees the end, and be told to nobody who came between. */
const UNSURE_MS = 20_000;
/** What is answered `unavailable` at once may still be carried out for half of the nodes' time-out, and be read a while later. */
const LATE_MS = 1500;
/** What is said when the way is cut may still be lost. */
const ON_ITS_WAY_MS = 50;
/** A node that comes back has been given up, and learns it, within this time. */
const TOLD_MS = 3000;
/** Breaches are kept as examples. */
const MAX_BREACHES = 20;

/** Everything that was said, heard and told in a run, and whether it is as the contract says. */
export class Ledger {
  readonly records = new Map<string, Record>();
  readonly breaches: string[] = [];
  readonly answers = new Map<string, number>();
  readonly #routed: Routed[] = [];
  /** When a message was answered `unavailable`, by its number. */
  readonly #unavailable = new Map<number, number>();
  #number = 0;
  #breaches = 0;

  opened(id: string, url: string): Record {
    if (this.records.has(id)) this.breach(`the id ${id} was given twice`);
    const record = {
      id,
      url,
      openedMs: performance.now(),
      endedMs: undefined,
      last: new Map<string, number>(),
      heard: new Set<number>(),
      open: new Map<number, string>(),
      told: new Map<string, number>(),
    };
    this.records.set(id, record);
    return record;
  }

  /** Gives the next message its number. */
  said(record: Record, receiver: string): number {
    const number = ++this.#number;
    record.open.set(number, receiver);
    return number;
  }

  heard(record: Record, sender: string, number: number): void {
    if (record.heard.has(number)) this.breach(`${record.id} heard ${number} of ${sender} twice`);
    else if (number < (record.last.get(sender) ?? 0)) this.breach(`${record.id} heard ${number} of ${sender} too late`);
    if (record.told.has(sender)) this.breach(`${record.id} heard ${sender} after its departure`);
    if (performance.now() - (this.#unavailable.get(number) ?? Number.POSITIVE_INFINITY) > LATE_MS)
      this.breach(`${record.id} heard ${number} of ${sender} long after that was told that it cannot`);
    record.heard.add(number);
    record.last.set(sender, number);
  }

  /** @param answer `routed`, or the code of a fault */
  answered(record: Record, number: number, answer: string): void {
    const receiver = record.open.get(number);
    if (receiver === undefined) return this.breach(`${record.id} was answered ${answer} to ${number}, once too often`);
    record.open.delete(number);
    this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1);
    if (answer === 'routed') this.#routed.push({ receiver, number });
    if (answer === 'unavailable') this.#unavailable.set(number, performance.now());
  }

  departed(record: Record, id: string): void {
    const times = (record.told.get(id) ?? 0) + 1;
    record.told.set(id, times);
    if (times > 1) this.breach(`${record.id} was told ${times} times that ${id} left`);
  }

  breach(text: string): void {
    if (++this.#breaches <= MAX_BREACHES) this.breaches.push(text);
  }

  get alive(): Record[] {
    return [...this.records.values()].filter(({ endedMs }) => endedMs === undefined);
  }

  /** Looks at everything once nothing is under way any more; returns what was acknowledged and lost with its receiver. */
  close(outages: readonly Outage[]): { lost: number; routed: number; departures: number } {
    const { alive } = this;
    for (const { id, open } of alive)
      for (const number of open.keys()) this.breach(`${number} of ${id} was never answered`);
    let lost = 0;
    for (const { receiver, number } of this.#routed) {
      const record = this.records.get(receiver);
      if (record?.heard.has(number)) continue;
      if (record?.endedMs === undefined) this.breach(`${number} was routed to ${receiver} and never came`);
      else lost++;
    }
    const departures = this.#departures(alive, outages);
    if (this.#breaches > MAX_BREACHES) this.breaches.push(`and ${this.#breaches - MAX_BREACHES} more`);
    return { lost, routed: this.#routed.length, departures };
  }

  #departures(alive: readonly Record[], outages: readonly Outage[]): number {
    let told = 0;
    for (const record of this.records.values()) {
      const { id, openedMs, endedMs } = record;
      const lived = `(here from ${Math.round(openedMs)} to ${Math.round(endedMs ?? 0)} ms)`;
      let untold = 0;
      for (const observer of alive) {
        const times = observer.told.get(id) ?? 0;
        told += times;
        if (endedMs === undefined && times > 0) this.breach(`${observer.id} was told that ${id} left, which is here`);
        if (endedMs !== undefined && times === 0 && observer.openedMs < endedMs - UNSURE_MS) untold++;
      }
      if (untold > 0 && !outages.some((outage) => hasSeen(outage, record)))
        this.breach(`${untold} of ${alive.length} were not told that ${id} left ${lived}`);
    }
    return told;
  }
}

/**
 * Whether all of a session was while its node could say nothing: nobody elsewhere ever heard of it. A node that is cut off
 * for longer than the time-out is given up, and ends its sessions only when it hears so.
 */
function hasSeen({ url, fromMs, toMs }: Outage, { url: node, openedMs, endedMs }: Record): boolean {
  return url === node && openedMs > fromMs - ON_ITS_WAY_MS && (endedMs ?? Number.POSITIVE_INFINITY) < toMs + TOLD_MS;
}
