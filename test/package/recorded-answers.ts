import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { WebSocket } from 'ws';
import { exchange, request as rawRequest, UPGRADE_HEADERS } from '../support/raw-http.js';

interface Question {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface Answer {
  readonly status: string;
  /** Names and values in turn, in the order of the response, without the date. */
  readonly headers: readonly string[];
  readonly body: string;
}

const JSON_TYPE = { 'content-type': 'application/json' };

/** Asks the host for everything that its users see, in one fixed order. Answers differ where the host has changed. */
export async function recordHttp(port: number): Promise<Record<string, Answer | string>> {
  const answers: Record<string, Answer | string> = {};
  const ask = async (path: string, question: Question = {}): Promise<Answer> =>
    (answers[`${Object.keys(answers).length} ${question.method ?? 'GET'} ${path}`] = await answerOf(
      port,
      path,
      question,
    ));
  const { token } = (JSON.parse((await ask('/api/login', { method: 'POST' })).body) as { result: { token: string } })
    .result;
  const bearer = { authorization: `Bearer ${token}` };
  const add = (body: string, headers: Readonly<Record<string, string>>): Promise<Answer> =>
    ask('/api/notes', { method: 'POST', headers: { ...JSON_TYPE, ...headers }, body });

  await ask('/api/notes');
  await add('{"text":"milk"}', {});
  await add('{"text":"milk"}', { authorization: 'Bearer none' });
  await add('{"text":"milk","other":1}', bearer);
  await add('{"text":""}', bearer);
  await add('{"text":', bearer);
  await add(JSON.stringify({ text: 'x'.repeat(2_000_000) }), bearer);
  await ask('/api/notes', { headers: { origin: 'https://app.example' } });
  await ask('/api/notes/1', { method: 'HEAD' });
  await ask('/api/notes/2');
  await ask('/api/notes/none');
  await ask('/api/notes/failing');
  await ask('/api/notes/%zz');
  await ask('/api/notes', { method: 'DELETE' });
  await ask('/api/notes', {
    method: 'OPTIONS',
    headers: { origin: 'https://app.example', 'access-control-request-method': 'POST' },
  });
  await ask('/docs-json');
  // These are paths of endpoints that Switchboard has as a server of its own.
  for (const path of ['/', '/docs', '/healthz', '/readyz', '/metrics', '/client.js', '/asyncapi.json', '/api', '/wss'])
    await ask(path);
  await ask('/nowhere', { method: 'POST', headers: JSON_TYPE, body: '{}' });

  const upgrade = async (path: string, headers: readonly string[] = UPGRADE_HEADERS): Promise<void> => {
    answers[`upgrade ${path} ${headers.length}`] = await exchange(
      port,
      rawRequest(`GET ${path} HTTP/1.1`, headers),
    ).then(
      (answer) => JSON.stringify({ ...answer, headers: [...answer.headers].filter(([name]) => name !== 'date') }),
      (error: unknown) => String(error),
    );
  };
  await upgrade('/nowhere');
  await upgrade('/');
  await upgrade('/live', UPGRADE_HEADERS.slice(0, 3));
  return answers;
}

/** Has a conversation with the gateway of the host, up to the end of the host. @returns all frames and the ends */
export async function recordGateway(port: number, stop: () => Promise<unknown>): Promise<Record<string, unknown>> {
  const [first, second] = [await Listener.connect(port), await Listener.connect(port)];
  for (const frame of [
    { event: 'echo', data: { word: 'hello' } },
    { event: 'echo', data: { word: 'too long a word' } },
    { event: 'echo' },
    { event: 'fail' },
  ])
    await first.say(JSON.stringify(frame));
  for (const silent of ['{"event":"unknown"}', 'no JSON', '{"type":"sys.ping","id":"1"}', '[]'])
    first.socket.send(silent);
  await first.say('{"event":"shout","data":"both"}');
  second.socket.close(4001, 'bye');
  await first.received(() => first.frames.at(-1)?.includes('left') === true);
  const left = second.end;
  const third = await Listener.connect(port);
  const stopped = await stop();
  return {
    headers: first.headers,
    frames: [first, second, third].map(({ frames }) => frames),
    ends: [await first.end, await left, await third.end],
    stopped,
  };
}

class Listener {
  readonly frames: string[] = [];
  readonly end: Promise<unknown>;
  #headers: readonly string[] = [];

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data) => this.frames.push((data as Buffer).toString()));
    socket.on('upgrade', (response) => (this.#headers = headersOf(response)));
    this.end = once(socket, 'close').then(([code, reason]) => ({ code: code as number, reason: String(reason) }));
  }

  /** Connects and receives the greeting of the gateway. */
  static async connect(port: number): Promise<Listener> {
    const listener = new Listener(new WebSocket(`ws://127.0.0.1:${port}/live`));
    await listener.received(() => listener.frames.length > 0);
    return listener;
  }

  /** Headers of the handshake, without those that differ each time. */
  get headers(): readonly string[] {
    return this.#headers;
  }

  /** Sends a frame and waits for the next one. */
  async say(frame: string): Promise<void> {
    const count = this.frames.length;
    this.socket.send(frame);
    await this.received(() => this.frames.length > count);
  }

  async received(enough: () => boolean): Promise<void> {
    while (!enough()) await once(this.socket, 'message');
  }
}

async function answerOf(port: number, path: string, { method = 'GET', headers = {}, body }: Question): Promise<Answer> {
  const asked = request({ host: '127.0.0.1', port, path, method, headers });
  asked.on('error', () => undefined); // the host may answer before it has read a long body
  asked.end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return {
    status: `${response.statusCode} ${response.statusMessage}`,
    headers: headersOf(response),
    body: await text(response),
  };
}

function headersOf({ rawHeaders }: IncomingMessage): string[] {
  const drifting = new Set(['date', 'sec-websocket-accept']);
  return rawHeaders.filter((_, index) => !drifting.has(rawHeaders[index - (index % 2)]!.toLowerCase()));
}
