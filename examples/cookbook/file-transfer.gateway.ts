import { MessageBody, SubscribeMessage, WsException } from '@nestjs/websockets';
import { Length } from 'class-validator';
import { Emits, MessageError, MessagingGateway, Sender, SERVER, Session, SessionState, Switchboard } from 'switchboard';
import type { OnSessionDeparture } from 'switchboard';

class OfferDto {
  @Length(1, 40) to!: string;
  @Length(1, 255) name!: string;
}
/** Passes on the WebRTC signals of two sessions of one node, until one of them ends the transfer or leaves. */
@Emits('file.offered', 'file.signalled', 'file.ended')
@MessagingGateway()
export class FileTransferGateway implements OnSessionDeparture {
  readonly #peers = new SessionState(() => new Map<string, Session>()); // the other session of each transfer
  constructor(private readonly switchboard: Switchboard) {}
  @SubscribeMessage('file.offer') offer(@MessageBody() { to, name }: OfferDto, @Sender() sender: Session): object {
    const [receiver, transfer] = [this.switchboard.find(to), crypto.randomUUID()];
    if (receiver === undefined || receiver === sender) throw MessageError.of('receiver_not_found');
    if ([sender, receiver].some((side) => this.#peers.of(side).size >= 10)) throw new WsException('10 files are open.');
    this.switchboard.send(sender, to, 'file.offered', { transfer, name });
    this.#peers.of(sender).set(transfer, receiver);
    this.#peers.of(receiver).set(transfer, sender);
    return { transfer };
  }
  @SubscribeMessage('file.signal')
  signal(@MessageBody('transfer') transfer: string, @MessageBody('signal') signal: object, @Sender() sender: Session) {
    const peer = this.#peers.of(sender).get(transfer);
    if (peer === undefined) throw new WsException('You have no such transfer.');
    this.switchboard.send(sender, peer.id, 'file.signalled', { transfer, signal });
  }
  @SubscribeMessage('file.end') end(@MessageBody('transfer') transfer: string, @Sender() sender: Session): void {
    const peer = this.#peers.of(sender).get(transfer);
    for (const side of [sender, peer]) if (side) this.#peers.of(side).delete(transfer);
    if (peer) this.switchboard.multicast(SERVER, [peer], 'file.ended', { transfer });
  }
  onSessionDeparture(session: Session): void {
    for (const transfer of this.#peers.of(session).keys()) this.end(transfer, session);
  }
}
