import { Module } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../../test/support/client.js';
import { startServer, type TestServer } from '../../test/support/server.js';
import { FileTransferGateway } from './file-transfer.gateway.js';

@Module({ providers: [FileTransferGateway] })
class FileTransferModule {}

describe('a file transfer', () => {
  let app: TestServer;

  beforeEach(async () => {
    app = await startServer({ ARRIVAL_NOTICES: 'off' }, [FileTransferModule]);
  });
  afterEach(() => app.stop());

  const offer = async (from: Client, to: Client): Promise<string> => {
    from.send({ type: 'file.offer', id: 'o', data: { to: to.id, name: 'photo.jpg' } });
    const { transfer } = (await from.next('file.offer')).data as { transfer: string };
    expect(await to.next('file.offered')).toMatchObject({ sender: from.id, data: { transfer, name: 'photo.jpg' } });
    await from.next('sys.ack');
    return transfer;
  };

  it('carries signals between its two sessions, and to no other', async () => {
    const [ann, bob, eve] = [await app.connect(), await app.connect(), await app.connect()];
    const transfer = await offer(ann, bob);
    for (const [from, to] of [
      [ann, bob],
      [bob, ann],
    ] as const) {
      from.send({ type: 'file.signal', data: { transfer, signal: { sdp: 'v=0' } } });
      expect(await to.next('file.signalled')).toMatchObject({
        sender: from.id,
        data: { transfer, signal: { sdp: 'v=0' } },
      });
    }
    eve.send({ type: 'file.signal', id: 's', data: { transfer, signal: {} } });
    expect((await eve.answer('s')).data.code).toBe('refused');
    eve.send({ type: 'file.end', data: { transfer } });
    bob.send({ type: 'file.end', data: { transfer } });
    expect((await ann.next('file.ended')).data).toEqual({ transfer });
    ann.send({ type: 'file.signal', id: 's', data: { transfer, signal: {} } });
    expect((await ann.answer('s')).data.code).toBe('refused');
  });

  it('ends when one of its sessions leaves', async () => {
    const [ann, bob, eve] = [await app.connect(), await app.connect(), await app.connect()];
    const [first, second] = [await offer(ann, bob), await offer(eve, ann)];
    ann.terminate();
    expect((await bob.next('file.ended')).data).toEqual({ transfer: first });
    expect((await eve.next('file.ended')).data).toEqual({ transfer: second });
  });

  it('needs another session, and is limited for each of both', async () => {
    const [ann, bob, eve] = [await app.connect(), await app.connect(), await app.connect()];
    ann.send({ type: 'file.offer', id: 'n', data: { to: 'nobody.here', name: 'photo.jpg' } });
    expect((await ann.answer('n')).data.code).toBe('receiver_not_found');
    ann.send({ type: 'file.offer', id: 'own', data: { to: ann.id, name: 'photo.jpg' } });
    expect((await ann.answer('own')).data.code).toBe('receiver_not_found');
    for (let transfer = 1; transfer <= 10; transfer++) await offer(ann, bob);
    for (const [from, to] of [
      [ann, eve],
      [eve, bob],
    ] as const) {
      from.send({ type: 'file.offer', id: '11', data: { to: to.id, name: 'photo.jpg' } });
      expect((await from.answer('11')).data.code).toBe('refused');
    }
  });
});
