import type { Socket } from 'node:net';
import type { Connection } from '../sessions/connection.js';
import type { Session } from '../sessions/session.js';

/** Gets `undefined` once the bytes are with the kernel, or the error of a connection that was lost before. */
export type SentCallback = (error?: Error) => void;

/** The connection over which bytes are sent, with its socket. */
type SocketConnection = Connection & { readonly sink: { readonly socket: Socket } };

const NOTHING = new Uint8Array(0);
/** Callbacks that wait for a socket, in order. Only sockets with such callbacks have an entry. */
const waiting = new WeakMap<Socket, SentCallback[]>();

/**
 * Calls back once everything sent to the session is with the kernel. What waits in the outbox leaves before the end of
 * the turn, unless the socket or the replay window is full. A callback that throws fails its session alone.
 */
export function afterSent(session: Session, connection: SocketConnection, callback: SentCallback): void {
  const settle = guarded(session, callback);
  const { socket } = connection.sink;
  const others = waiting.get(socket);
  if (others !== undefined) others.push(settle);
  else if (socket.writableNeedDrain) wait(session, connection, [settle]);
  else handOver(session, connection, [settle]);
}

/** Hands over once the socket has drained or closed; where the socket is free, once the outbox may write on. */
function wait(session: Session, connection: SocketConnection, callbacks: SentCallback[]): void {
  const { socket } = connection.sink;
  waiting.set(socket, callbacks);
  const onEnd = (): void => {
    if (waiting.get(socket) !== callbacks) return;
    socket.off('drain', onEnd).off('close', onEnd);
    cancel?.();
    waiting.delete(socket);
    handOver(session, connection, callbacks);
  };
  socket.on('drain', onEnd).on('close', onEnd);
  const cancel = socket.writableNeedDrain ? undefined : session.outbox.onceDrained(() => process.nextTick(onEnd)); // not at once, because the outbox is at work
}

/** Calls back in the next tick with an error. For a closed socket it is the error of `ws`. */
export function notSent(session: Session | undefined, reason: string, callback: SentCallback | undefined): void {
  if (callback !== undefined) process.nextTick(guarded(session, callback), new Error(reason));
}

/**
 * Writes what waits, and behind it nothing, because the callback of a write runs when all before it are written. Never
 * throws, because an exception in a listener of the socket would end the process.
 */
function handOver(session: Session, connection: SocketConnection, callbacks: SentCallback[]): void {
  const sink = connection.sink.socket;
  try {
    const isAttached = sink.writable && session.connection === connection;
    if (isAttached && !session.outbox.flushWindow()) return wait(session, connection, callbacks);
  } catch (error) {
    for (const callback of callbacks) process.nextTick(callback, error);
    return session.fail(error);
  }
  for (const callback of callbacks)
    if (sink.writable) sink.write(NOTHING, (error) => callback(error ?? undefined));
    else process.nextTick(callback, new Error('WebSocket is not open: the connection is lost'));
}

function guarded(session: Session | undefined, callback: SentCallback): SentCallback {
  return (error) => {
    try {
      callback(error);
    } catch (thrown) {
      if (session === undefined) throw thrown;
      session.fail(thrown);
    }
  };
}
