import { Module } from '@nestjs/common';
import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Abort, MessagingGateway, Receiver, Sender, Switchboard, type Session } from '../../src/index.js';
import type { Client } from '../support/client.js';
import { startServer, type TestServer } from '../support/server.js';

@MessagingGateway()
class ReceiverGateway {
  constructor(private readonly switchboard: Switchboard) {}

  @SubscribeMessage('receiver')
  receiver(@Receiver() receiver: string | undefined): { receiver: string | null } {
    return { receiver: receiver ?? null };
  }

  @SubscribeMessage('receiver.and.more')
  more(
    @MessageBody() data: unknown,
    @Abort() signal: AbortSignal,
    @Receiver() receiver: string | undefined,
  ): { data: unknown; aborted: boolean; receiver: unknown } {
    return { data, aborted: signal.aborted, receiver };
  }

  @SubscribeMessage('chat.checked')
  checked(@MessageBody() data: unknown, @Receiver() receiver: string, @Sender() sender: Session): void {
    this.switchboard.send(sender, receiver, 'chat', data);
  }
}

@Module({ providers: [ReceiverGateway] })
class ReceiverModule {}

describe('the receiver of a handled message', () => {
  let server: TestServer;
  let ann: Client;
  beforeEach(async () => {
    server = await startServer({ ARRIVAL_NOTICES: 'off' }, [ReceiverModule]);
    ann = await server.connect();
  });
  afterEach(() => server.stop());

  it.each(['*', '#garden', '@ann', '@änn', '@"', 'nobody', 'a b'])(
    'is given to its handler as the client wrote it: %s',
    async (receiver) => {
      expect(await ann.request('receiver', undefined, { receiver })).toEqual({ receiver });
      // With white space the slow path reads the message, by the same rules.
      ann.sendText(JSON.stringify({ type: 'receiver', receiver, id: '1', sender: 'x' }, undefined, 1));
      expect((await ann.answer('1')).data).toEqual({ receiver });
    },
  );

  it('is undefined where the message has none', async () => {
    expect(await ann.request('receiver')).toEqual({ receiver: null });
  });

  it('is given beside the body and the signal', async () => {
    expect(await ann.request('receiver.and.more', [1], { receiver: '#garden' })).toEqual({
      data: [1],
      aborted: false,
      receiver: '#garden',
    });
    expect(await ann.request('receiver.and.more', [1])).toEqual({ data: [1], aborted: false });
  });

  it('lets a handler check and pass on what it claims', async () => {
    const bob = await server.connect();
    await bob.request('sys.join', undefined, { receiver: '#garden' });
    await ann.request('chat.checked', 'hello', { receiver: '#garden' });
    expect(await bob.next('chat')).toEqual({ type: 'chat', sender: ann.id, receiver: '#garden', data: 'hello' });
    await expect(ann.request('chat.checked', 'hello', { receiver: 'nobody' })).rejects.toMatchObject({
      code: 'receiver_not_found',
    });
  });
});
