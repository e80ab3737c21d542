import { Injectable } from '@nestjs/common';
import { RoomIndex } from '../../groups/room-index.js';
import { MAX_WAITING_CALLS } from '../../protocol/index.js';
import type { Session } from '../../sessions/session.js';
import { Counters } from '../../telemetry/counters.js';
import type { HandlerTimeouts } from '../dispatch/handler-timeouts.js';
import { GatewayInstances } from './gateway-instances.js';
import { HookCaller, type HookedGateway, type HookName } from './hook-caller.js';

/** Implemented by gateways that run code when a session of this node joins a room. */
export interface OnRoomJoined {
  /**
   * Runs after the session has become a member, by its own request or by server code. The room hooks of one session run one
   * after the other: each waits for the promise of the hook before it, and for `onSessionArrival`, for at most
   * `HANDLER_TIMEOUT_MS`.
   *
   * @param room the name without `#`
   */
  onRoomJoined(session: Session, room: string): void | Promise<void>;
}

/** Implemented by gateways that run code when a session of this node leaves a room. */
export interface OnRoomLeft {
  /**
   * Runs after the session has left, in turn with {@link OnRoomJoined}. Where the session has ended, this hook runs for each of
   * its rooms, before `onSessionDeparture`.
   *
   * @param room the name without `#`
   * @param code the close code where the session has ended; `undefined` where it has left the room only
   */
  onRoomLeft(session: Session, room: string, code?: number): void | Promise<void>;
}

type RoomHookName = Extract<HookName, 'onRoomJoined' | 'onRoomLeft'>;

interface RoomCall {
  readonly name: RoomHookName;
  readonly room: string;
  readonly code?: number | undefined;
}

/** The room hooks of one session that wait or run. At most {@link MAX_WAITING_CALLS} wait for others. */
class RoomCalls {
  readonly #waiting: RoomCall[] = [];
  #hurry: () => void = () => undefined;
  /** Resolves when no call waits or runs. Written by `RoomHooks`. */
  done: Promise<void> = Promise.resolve();

  add(call: RoomCall): void {
    this.#waiting.push(call);
    if (this.#isFull) this.#hurry();
  }

  next(): RoomCall | undefined {
    return this.#waiting.shift();
  }

  /** Resolves with `earlier`, or once too many calls wait. */
  async until(earlier: Promise<unknown> | undefined): Promise<void> {
    if (earlier === undefined || this.#isFull) return;
    await Promise.race([earlier, new Promise<void>((resolve) => (this.#hurry = resolve))]);
  }

  get #isFull(): boolean {
    return this.#waiting.length > MAX_WAITING_CALLS;
  }
}

/** Calls the room hooks of all gateways, in the order in which a session joins and leaves rooms. */
@Injectable()
export class RoomHooks {
  readonly #calls = new Map<Session, RoomCalls>();
  readonly #timeouts: HandlerTimeouts<Session>;

  constructor(
    private readonly roomIndex: RoomIndex,
    private readonly gateways: GatewayInstances,
    private readonly caller: HookCaller,
    private readonly counters: Counters,
  ) {
    this.#timeouts = caller.timeouts('room hook');
  }

  /** Begins to call the hooks. Costs nothing where no gateway has any; a scoped gateway may have them. */
  start(): void {
    if (this.gateways.mayHave('onRoomJoined'))
      this.roomIndex.addListener({ joined: (session, room) => this.#add(session, { name: 'onRoomJoined', room }) });
    if (this.gateways.mayHave('onRoomLeft'))
      this.roomIndex.addListener({
        left: (session, room, code) => this.#add(session, { name: 'onRoomLeft', room, code }),
      });
  }

  /** Returns a promise that resolves when the hooks of a session have settled; `undefined` where none waits or runs. */
  settled(session: Session): Promise<void> | undefined {
    return this.#calls.get(session)?.done;
  }

  #add(session: Session, call: RoomCall): void {
    const known = this.#calls.get(session);
    if (known !== undefined) return known.add(call);
    const calls = new RoomCalls();
    calls.add(call);
    this.#calls.set(session, calls);
    calls.done = this.#run(session, calls);
    this.counters.departureHook(calls.done); // a drain waits for it
  }

  /** Begins in the next tick, because a session may join or leave in the middle of a write. Never rejects. */
  async #run(session: Session, calls: RoomCalls): Promise<void> {
    await Promise.resolve();
    await calls.until(session.arriving);
    for (let call = calls.next(); call !== undefined; call = calls.next()) {
      const pending = this.#call(session, call);
      if (pending.length > 0) await calls.until(Promise.all(pending));
    }
    this.#calls.delete(session);
  }

  /** Calls one hook of all gateways. Returns promises of those that have not settled, which never reject. */
  #call(session: Session, { name, room, code }: RoomCall): Promise<void>[] {
    return this.gateways.of(session).flatMap((hooked) => {
      const parameters = name === 'onRoomLeft' ? [session, room, code] : [session, room];
      const call = this.caller.call(hooked, name, session, ...parameters);
      return call === undefined ? [] : [this.#inTime(session, hooked, name, call)];
    });
  }

  async #inTime(session: Session, { gateway }: HookedGateway, name: HookName, call: Promise<void>): Promise<void> {
    try {
      await this.#timeouts.within(session, call);
    } catch (error) {
      this.caller.failed(error, session, `${gateway.metatype.name}.${name}`);
    }
  }
}
