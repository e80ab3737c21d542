import { Injectable } from '@nestjs/common';
import { Backplane, type DeliveryFailure, type NodeStanding, type RoomFailure } from './backplane.js';

/** The backplane of a single node: there are no remote sessions and no other nodes. */
@Injectable()
export class LocalBackplane extends Backplane {
  readonly outage = undefined;
  readonly peerCount = 0;
  readonly waiting = 0;

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  deliver(): DeliveryFailure {
    return 'receiver_not_found';
  }

  canBroadcast(): boolean {
    return true;
  }

  broadcast(): boolean {
    return true;
  }

  arrived(): void {}

  departed(): void {}

  joined(): void {}

  left(): void {}

  away(): void {}

  back(): void {}

  deliverToGroup(): 'unavailable' {
    return 'unavailable';
  }

  async changeRoom(): Promise<RoomFailure> {
    return 'receiver_not_found';
  }

  async kick(): Promise<DeliveryFailure> {
    return 'receiver_not_found';
  }

  async sessionDetails(): Promise<[]> {
    return [];
  }

  ownerOf(): undefined {}

  standingOf(): NodeStanding {
    return 'unseen';
  }

  async rpc(): Promise<'unavailable'> {
    return 'unavailable';
  }

  async flushed(): Promise<void> {}
}
