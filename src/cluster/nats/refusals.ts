import { errors } from '@nats-io/transport-node';
import type { Subjects } from './subjects.js';

/** The words for a refusal, and its details. */
export interface Refusal {
  readonly message: string;
  readonly reason: string;
}

/** Collects what the NATS server refuses on one connection. */
export class Refusals {
  /** Denied operations and patterns of subjects, at most two for each kind of subject. */
  readonly #denied = new Set<string>();
  #otherError: string | undefined;

  constructor(private readonly subjects: Subjects) {}

  clear(): void {
    this.#denied.clear();
    this.#otherError = undefined;
  }

  add(error: Error): void {
    if (error instanceof errors.PermissionViolationError) this.#denied.add(this.wordsOf(error));
    else this.#otherError = error.message;
  }

  /** Returns the words for everything that was refused; `undefined` where nothing was. */
  get words(): Refusal | undefined {
    if (this.#denied.size === 0)
      return this.#otherError === undefined
        ? undefined
        : { message: 'NATS refuses what this node needs', reason: this.#otherError };
    return { message: this.#remedy(), reason: [...this.#denied].toSorted().join(', ') };
  }

  /** Names the prefix as a remedy where the user may use no subject of it. */
  #remedy(): string {
    const patterns = this.subjects.from('*').map((subject) => this.subjects.patternOf(subject));
    const isAll = patterns.every((pattern) => this.#denied.has(`subscribe to ${pattern}`));
    return isAll
      ? 'NATS permissions deny all subjects; grant them to the NATS user, or set NATS_SUBJECT to a prefix that it may use'
      : 'NATS permissions deny a subject; grant it to the NATS user';
  }

  /** Returns the words for a denied operation, with the pattern of its subject. */
  wordsOf({ operation, subject }: InstanceType<typeof errors.PermissionViolationError>): string {
    return `${operation === 'publish' ? 'publish' : 'subscribe'} to ${this.subjects.patternOf(subject)}`;
  }
}

const CREDENTIALS = /authorization violation|authentication (expired|timeout|revoked)|credentials expired/i;

/** Returns the words for an attempt to connect that a server refused; `undefined` where no server answered. */
export function refusalOf(error: string): string | undefined {
  if (CREDENTIALS.test(error))
    return 'NATS refuses the credentials of this node; check NATS_USER, NATS_PASSWORD, NATS_TOKEN or NATS_CREDS_FILE';
  if (/maximum .*connections exceeded/i.test(error))
    return 'NATS refuses another connection; raise its limit of connections';
  return undefined;
}

/** Whether the server closes the connection itself after an error. */
export function endsConnection(error: string): boolean {
  return refusalOf(error) !== undefined || /slow consumer|stale connection|maximum payload/i.test(error);
}
