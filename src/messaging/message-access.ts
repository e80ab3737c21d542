import { Injectable } from '@nestjs/common';
import { MessageError, type Envelope } from '../protocol/index.js';
import { ReservedTypes } from './reserved-types.js';

/** Decides whether the message of a client may be routed. Messages of server code are not checked. */
@Injectable()
export class MessageAccess {
  constructor(private readonly reservedTypes: ReservedTypes) {}

  /** The types for which {@link isOpen} is `false`; `'all'` where no list of types decides. */
  get checkedTypes(): ReadonlySet<string> | 'all' {
    const { exact, prefixes } = this.reservedTypes;
    return prefixes.length > 0 ? 'all' : exact;
  }

  /** Returns whether {@link check} accepts every message of this type that has a receiver. */
  isOpen(type: string): boolean {
    return !this.reservedTypes.has(type);
  }

  /**
   * Checks a message of a client that no handler claims.
   *
   * @returns the receiver
   * @throws {MessageError} `reserved_type` or `unknown_type`, in that order
   */
  check({ type, receiver, id }: Envelope): string {
    if (this.reservedTypes.has(type)) throw MessageError.of('reserved_type', id);
    if (receiver === undefined) throw MessageError.of('unknown_type', id);
    return receiver;
  }
}
