import { isUtf8 } from 'node:buffer';
import { Receiver, WebSocket } from 'ws';
import { FastFrameReader } from '../../../dist/gateway/frames/fast-frame-reader.js';
import { FrameTracker } from '../../../dist/gateway/frames/frame-tracker.js';
import { TEXT } from '../../../dist/protocol/index.js';
import { Broken } from './target.js';

const MAX_MESSAGE_BYTES = 200;
const OPTIONS = { isServer: true, maxPayload: MAX_MESSAGE_BYTES, allowSynchronousEvents: true };
/** In front of the stream: lengths of its chunks, taken in turn. */
const HEAD_BYTES = 3;

/** The frames that a reader has read, up to the frame that ends the connection. */
class Transcript {
  /** @type {string[]} */
  lines = [];
  over = false;

  add(line) {
    if (!this.over) this.lines.push(line);
  }

  end(line) {
    this.add(line);
    this.over = true;
  }
}

/** The fast frame reader over the receiver of `ws`, wired as `SocketEvents` does. */
class FastSide {
  transcript = new Transcript();
  #receiver = new Receiver(OPTIONS);
  #reader;
  #socket;

  constructor() {
    const router = { tryRoute: (_, { length, nonAscii }) => this.#route(length, nonAscii) };
    // A zero stands behind the scanned message.
    const dispatcher = { dispatch: () => this.#add(TEXT.indexOf(0)) };
    const table = { definitelyOpen: (_, { typeHash }) => (typeHash & 1) === 0, handler: () => 0 };
    const settings = { maxMessageBytes: MAX_MESSAGE_BYTES, fastLane: true };
    this.#reader = new FastFrameReader(router, dispatcher, table, settings);
    this.#socket = {
      readyState: WebSocket.OPEN,
      readBytes: 0,
      session: {
        closed: false,
        pauseForTurn: () => undefined,
        outbox: { saturated: false },
        send: (pong) => this.transcript.add(`ping ${pong.subarray(2).toString('hex')}`),
      },
      listenerCount: () => 2, // so that pongs go to `ws`, too
      close: () => (this.#socket.readyState = WebSocket.CLOSING),
    };
    listen(this.#receiver, this.transcript, {
      read: (message) => {
        if (this.#reader.readMessage(this.#socket, message)) return;
        this.transcript.add(`text ${message}`);
      },
      reported: () => this.#reader.reported(),
      failed: () => {
        if (this.#socket.frameTracker !== undefined) this.#socket.frameTracker.failed = true;
      },
      close: () => this.#socket.close(),
    });
  }

  /** Writes a chunk, and again what the reader returns at the end of its share of a turn. */
  write(chunk) {
    const receiver = this.#receiver;
    let rest = chunk;
    const none = () => undefined;
    const tcp = { end: none, pause: none, resume: none, unshift: (bytes) => (rest = bytes) };
    while (rest !== undefined) {
      const bytes = rest;
      rest = undefined;
      this.#reader.read(this.#socket, tcp, bytes, bytes.length, (part) => receiver.write(part));
    }
  }

  #route(length, nonAscii) {
    if (nonAscii && !isUtf8(TEXT.subarray(0, length))) return false;
    this.#add(length);
    return true;
  }

  #add(length) {
    this.transcript.add(`text ${TEXT.toString('utf8', 0, length)}`);
  }
}

/** The receiver of `ws` alone. */
class SlowSide {
  transcript = new Transcript();
  receiver = new Receiver(OPTIONS);
  messages = 0;

  constructor() {
    listen(this.receiver, this.transcript, {
      read: (message) => this.transcript.add(`text ${message}`),
      reported: () => {
        // The tracker passes over pings and pongs between fragments, because `ws` still reads their message then.
        if (this.receiver['_fragmented'] === 0) this.messages++;
      },
      failed: () => undefined,
      close: () => undefined,
    });
  }

  write(chunk) {
    this.receiver.write(chunk);
  }
}

function listen(receiver, transcript, { read, reported, failed, close }) {
  receiver.on('message', (message, isBinary) => {
    reported();
    if (!isBinary) read(message);
    else {
      transcript.end('binary');
      close();
    }
  });
  receiver.on('ping', (body) => {
    reported();
    transcript.add(`ping ${body.toString('hex')}`);
  });
  receiver.on('pong', (body) => {
    reported();
    transcript.add(`pong ${body.toString('hex')}`);
  });
  receiver.on('conclude', (code) => {
    transcript.end(`close ${code}`);
    close();
  });
  receiver.on('error', (error) => {
    failed();
    transcript.end(`error ${error.code}`);
    close();
  });
}

/**
 * The fast frame reader beside `ws`: both read the same from any stream, however it is cut; the frame tracker counts the
 * same messages and knows when none is open.
 *
 * @type {import('./target.js').Target}
 */
export const framesTarget = {
  name: 'frames',
  modules: ['/dist/gateway/frames/'],
  maxBytes: 2048,
  separators: '',
  dictionary: [
    textOf(MAX_MESSAGE_BYTES),
    textOf(MAX_MESSAGE_BYTES + 1),
    text('{"type":"a","receiver":"b"}'),
    text('{"type":"b"}'),
    text('x'),
    frame(0x89, 'p'),
    frame(0x8a, 'p'),
    frame(0x88, ''),
    frame(0x88, '\x03\xe8'),
    frame(0x01, '{"ty'),
    frame(0x00, 'pe":'),
    frame(0x80, '"a"}'),
    frame(0x82, 'b'),
    Buffer.from([0x81, 0xfe, 0, 5, 0, 0, 0, 0]),
    Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 1]),
  ],
  seeds: [
    Buffer.concat([
      Buffer.from([7, 200, 3]),
      text('{"type":"a","receiver":"b"}'),
      frame(0x89, 'p'),
      text('{"type":"b"}'),
    ]),
    Buffer.concat([
      Buffer.from([255, 255, 255]),
      frame(0x01, '{"ty'),
      frame(0x89, ''),
      frame(0x80, 'pe":"a"}'),
      frame(0x8a, '1'),
    ]),
    Buffer.concat([
      Buffer.from([1, 1, 1]),
      text(`{"type":"a","data":"${'x'.repeat(150)}"}`),
      frame(0x88, '\x03\xe8bye'),
    ]),
  ],
  async run(input) {
    const [fast, slow, tracker] = [new FastSide(), new SlowSide(), new FrameTracker()];
    for (const chunk of chunksOf(input)) {
      fast.write(Buffer.from(chunk)); // `ws` unmasks in place
      slow.write(Buffer.from(chunk));
      for (let at = 0; at < chunk.length;) at = tracker.step(chunk, at, chunk.length);
      if (tracker.overFragmented) break;
      // `ws` emits an error in a later tick.
      if (slow.transcript.over || slow.receiver['_errored']) break;
      if (tracker.endedMessages !== slow.messages)
        throw new Broken('the tracker counts other messages', { tracker: tracker.endedMessages, ws: slow.messages });
    }
    await new Promise(setImmediate);
    if (tracker.overFragmented) return 'refused fragments'; // `ws` alone would read on
    const [read, expected] = [fast.transcript.lines, slow.transcript.lines];
    if (read.join('\n') !== expected.join('\n')) throw new Broken('the readers differ', { read, expected });
    const kinds = new Set(expected.map((line) => line.replace(/^(text|ping|pong|close) .*/s, '$1')));
    return [...kinds].toSorted().join();
  },
};

function* chunksOf(input) {
  const stream = input.subarray(HEAD_BYTES);
  for (let at = 0, turn = 0; at < stream.length; turn++) {
    const length = 1 + (input[turn % HEAD_BYTES] ?? 0);
    yield stream.subarray(at, at + length);
    at += length;
  }
}

/** A valid message of so many bytes. */
function textOf(length) {
  const head = '{"type":"a","data":"';
  return text(`${head}${'x'.repeat(length - head.length - 2)}"}`);
}

function text(content) {
  return frame(0x81, content);
}

function frame(first, content) {
  const body = Buffer.from(content, 'latin1');
  const length = body.length < 126 ? [0x80 | body.length] : [0xfe, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([first, ...length, 0, 0, 0, 0]), body]);
}
