import { Injectable } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import type { ReturnRequest } from './return-wire.js';

/** The header by which a node shows its pass, in lower case as Node has it. */
export const PASS_HEADER = 'switchboard-pass';
/** 128 random bits in base64url. */
const PASS_BYTES = 16;
/** Milliseconds in which another node must use a pass. */
const LIFETIME_MS = 5000;
/** Passes that are not used yet. Their number bounds the identities that are kept. */
const MAX_PASSES = 4096;

/** A request that this node has granted. */
export interface GrantedReturn {
  readonly request: ReturnRequest;
  /** The secret of the session at that time. A later return rotates it. */
  readonly secret: string;
}

/** A granted request whose pass was used. */
export interface TakenReturn extends GrantedReturn {
  /** Milliseconds between the grant and the use. */
  readonly ageMs: number;
}

interface Pass extends GrantedReturn {
  readonly givenAtMs: number;
}

/**
 * Keeps the passes that this node has given to other nodes. A pass stands for all checks of a handshake, because the other
 * node has made them. Each pass is good once, for five seconds. No client can guess one, and nodes pass none on.
 */
@Injectable()
export class Passes {
  /** By the text of the pass, in the order of their expiry. */
  readonly #passes = new Map<string, Pass>();

  /** Gives a pass; `undefined` where too many are not used yet. */
  give({ request, secret }: GrantedReturn, nowMs = performance.now()): string | undefined {
    this.#dropExpired(nowMs);
    if (this.#passes.size >= MAX_PASSES) return undefined;
    const pass = randomBytes(PASS_BYTES).toString('base64url');
    this.#passes.set(pass, { request, secret, givenAtMs: nowMs });
    return pass;
  }

  /** Takes a pass back, so that nobody can use it again; `undefined` for an unknown, used or expired one. */
  take(pass: string, nowMs = performance.now()): TakenReturn | undefined {
    this.#dropExpired(nowMs);
    const given = this.#passes.get(pass);
    this.#passes.delete(pass);
    if (given === undefined) return undefined;
    const { givenAtMs, ...granted } = given;
    return { ...granted, ageMs: nowMs - givenAtMs };
  }

  #dropExpired(nowMs: number): void {
    for (const [pass, { givenAtMs }] of this.#passes) {
      if (givenAtMs + LIFETIME_MS > nowMs) return;
      this.#passes.delete(pass);
    }
  }
}
