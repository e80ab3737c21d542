import { ConflictException, Injectable, Scope } from '@nestjs/common';
import { MessageError } from 'switchboard';

const MAX_CONNECTIONS = 100;
const MAX_ROWS = 10_000;

/** Keeps counts by name in memory, and lends connections. An application has its real database here. */
@Injectable()
export class Database {
  readonly #rows = new Map<string, number>();
  #connections = 0;

  /** Connections that are lent now. */
  get connections(): number {
    return this.#connections;
  }

  /** @throws {MessageError} `unavailable` where all connections are lent */
  connect(): void {
    if (this.#connections >= MAX_CONNECTIONS) throw MessageError.of('unavailable');
    this.#connections++;
  }

  release(): void {
    this.#connections--;
  }

  count(name: string): number {
    return this.#rows.get(name) ?? 0;
  }

  /**
   * Adds to the counts: all changes, or none.
   *
   * @throws {ConflictException} where a count would fall below 0, or the table is full
   */
  add(changes: ReadonlyMap<string, number>): void {
    for (const [name, change] of changes)
      if (this.count(name) + change < 0) throw new ConflictException(`There are only ${this.count(name)} of ${name}.`);
    const added = [...changes.keys()].filter((name) => !this.#rows.has(name)).length;
    if (this.#rows.size + added > MAX_ROWS) throw new ConflictException('The table is full.');
    for (const [name, change] of changes) this.#rows.set(name, this.count(name) + change);
  }
}

/** The transaction of one client, because the server creates a request-scoped provider once for each session. */
@Injectable({ scope: Scope.REQUEST })
export class DatabaseSession {
  /** The changes of the transaction that has a connection; `undefined` where none is open. */
  #changes: Map<string, number> | undefined;

  constructor(private readonly database: Database) {}

  /**
   * Adds to a count within the transaction, and begins one where none is open. Returns the count that only this
   * transaction sees.
   *
   * @throws {MessageError} `unavailable` where all connections are lent
   */
  add(name: string, change: number): number {
    if (this.#changes === undefined) this.database.connect();
    this.#changes ??= new Map();
    const total = (this.#changes.get(name) ?? 0) + change;
    this.#changes.set(name, total);
    return this.database.count(name) + total;
  }

  /** @throws {ConflictException} where the changes no longer fit; the transaction is rolled back then */
  commit(): void {
    const changes = this.#changes ?? new Map<string, number>();
    this.rollBack();
    this.database.add(changes);
  }

  /** Drops the changes and gives the connection back; does nothing where no transaction is open. */
  rollBack(): void {
    if (this.#changes !== undefined) this.database.release();
    this.#changes = undefined;
  }
}
