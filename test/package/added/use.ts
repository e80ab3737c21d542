import { connect } from 'switchboard/client';
import * as wechat from 'switchboard/client/wechat';
import { MessageError, MessagingGateway, type Session } from 'switchboard';

@MessagingGateway()
export class UsingGateway {
  readonly error: typeof MessageError = MessageError;
  readonly connect: typeof connect = connect;
  // @ts-expect-error The module has types, so that it is no number.
  readonly wrong: number = wechat;

  idOf(session: Session): string {
    // @ts-expect-error A session has no such property.
    return session.id + session.nothing;
  }
}
