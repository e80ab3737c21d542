import { describe, expectTypeOf, it } from 'vitest';
import type * as wire from '../../packages/client/src/wire.js';
import type * as protocol from '../../src/protocol/index.js';

/** Removes the difference between a class and an interface. */
type Fields<Type> = { [Name in keyof Type]: Type[Name] };

// The checks are those of the compiler: `npm run typecheck` fails where a type differs.
describe('the types of the client', () => {
  it('are those of the messages that the server sends', () => {
    expectTypeOf<Fields<wire.ServerMessageMap>>().toEqualTypeOf<Fields<protocol.ServerMessageMap>>();
    expectTypeOf<wire.SessionEntry>().toEqualTypeOf<protocol.SessionEntry>();
  });

  it('are those of an envelope, whose data has a type of the application', () => {
    expectTypeOf<Omit<wire.Envelope, 'data'>>().toEqualTypeOf<Omit<protocol.DeliveredEnvelope, 'data'>>();
  });

  it('name every error code', () => {
    expectTypeOf<wire.ErrorCode>().toEqualTypeOf<protocol.ErrorCode>();
  });
});
