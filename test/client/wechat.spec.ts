import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { wechatSocket, type Wechat } from '../../packages/client/src/wechat.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { startServer, type TestServer } from '../support/server.js';
import { becomes, receives, join } from '../support/switchboard-client.js';

type Listener<Event> = (event: Event) => void;

/** Implements the documented interface of WeChat over a real WebSocket. */
const shown = new Set<() => void>();
const networks = new Set<Listener<{ readonly isConnected: boolean }>>();
const wx: Wechat = {
  onAppShow: (listener) => void shown.add(listener),
  offAppShow: (listener) => void shown.delete(listener),
  onNetworkStatusChange: (listener) => void networks.add(listener),
  offNetworkStatusChange: (listener) => void networks.delete(listener),
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

  it.each<[string, () => void]>([
    ['is shown', () => shown.forEach((listener) => listener())],
    ['has another network', () => networks.forEach((listener) => listener({ isConnected: true }))],
  ])('checks its connection when it %s, and stops that at the end', async (_, cause) => {
    const proxy = await FaultProxy.start(server.port);
    const ann = join(proxy.url, { WebSocket: wechatSocket(wx), timeoutMs: 300 });
    await ann.ready();
    const waiting = becomes(ann, 'waiting');
    proxy.discards = 'everything';
    cause();
    expect(await waiting).toMatchObject({ reason: 'silent' });
    ann.close();
    expect([shown.size, networks.size]).toEqual([0, 0]);
    await proxy.stop();
  });

  it('returns to its session after a close without a code', async () => {
    const ann = join(server.url, { WebSocket: wechatSocket(wx) });
    const id = await ann.ready();
    const open = becomes(ann, 'open');
    ann.reconnect();
    expect(await open).toEqual({ phase: 'open', id, resumed: true });
    ann.close();
  });

  it('runs where the mini program has no events, and does nothing when the network is lost', async () => {
    const ann = join(server.url, {
      WebSocket: wechatSocket({ connectSocket: (options) => wx.connectSocket(options) }),
    });
    await ann.ready();
    ann.close();
    const bob = join(server.url, { WebSocket: wechatSocket(wx) });
    await bob.ready();
    const received: string[] = [];
    bob.on('sys.pong', ({ type }) => received.push(type));
    networks.forEach((listener) => listener({ isConnected: false }));
    await bob.send(bob.id, 'note');
    expect(received).toEqual([]);
    bob.close();
  });

  it('keeps trying while the connection fails', async () => {
    const ann = join(server.url.replace('/wss', '/other'), { WebSocket: wechatSocket(wx) });
    expect(await becomes(ann, 'waiting')).toMatchObject({ code: 1006 });
    expect(await becomes(ann, 'waiting')).toMatchObject({ code: 1006 });
    ann.close();
  });
});
