import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { wechatSocket, type Wechat } from '../../packages/client/src/wechat.js';
import { startServer, type TestServer } from '../support/server.js';
import { becomes, receives, join } from '../support/switchboard-client.js';

/** Implements the documented interface of WeChat over a real WebSocket. */
const wx: Wechat = {
  connectSocket: ({ url, protocols }) => {
    const socket = new WebSocket(url, protocols);
    return {
      onMessage: (listener) => void socket.on('message', (data) => listener({ data: (data as Buffer).toString() })),
      onClose: (listener) => void socket.on('close', (code, reason) => listener({ code, reason: reason.toString() })),
      onError: (listener) => void socket.on('error', ({ message }) => listener({ errMsg: message })),
      send: ({ data }) => socket.send(data),
      close: ({ code, reason }) => socket.close(code, reason),
    };
  },
};

describe('the client in a mini program', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.stop());

  it('sends, receives and closes', async () => {
    const [ann, bob] = [join(server.url, { WebSocket: wechatSocket(wx) }), join(server.url)];
    await Promise.all([ann.ready(), bob.ready()]);
    const received = receives(ann, 'note');
    await bob.send(ann.id, 'note', 'hello');
    expect(await received).toMatchObject({ data: 'hello' });
    expect(await ann.send(bob.id, 'note')).toEqual({ status: 'routed' });
    const departed = receives(bob, 'sys.departed');
    ann.close();
    expect(await departed).toMatchObject({ data: { code: 1000 } });
    bob.close();
  });

  it('keeps trying while the connection fails', async () => {
    const ann = join(server.url.replace('/wss', '/other'), { WebSocket: wechatSocket(wx) });
    expect(await becomes(ann, 'waiting')).toMatchObject({ code: 1006 });
    expect(await becomes(ann, 'waiting')).toMatchObject({ code: 1006 });
    ann.close();
  });
});
