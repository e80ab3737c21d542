import { Injectable } from '@nestjs/common';
import { setImmediate as answered } from 'node:timers/promises';

const MAX_MEMBERS = 10_000;

/** Keeps in memory who works in which project, and answers later. An application has its real database here. */
@Injectable()
export class Projects {
  readonly #members = new Set<string>();
  /** Questions so far. */
  queries = 0;

  async isMember(project: string, user: string): Promise<boolean> {
    this.queries++;
    await answered();
    return this.#members.has(`${project} ${user}`);
  }

  /** @throws {Error} where the table is full */
  add(project: string, user: string): void {
    if (this.#members.size >= MAX_MEMBERS) throw new Error('The table is full.');
    this.#members.add(`${project} ${user}`);
  }

  remove(project: string, user: string): void {
    this.#members.delete(`${project} ${user}`);
  }
}
