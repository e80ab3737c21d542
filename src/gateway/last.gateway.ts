import { WebSocketGateway } from '@nestjs/websockets';

/**
 * Does nothing but stand first in the list. Nest connects all gateways in the order of the list except the first, for
 * which it awaits the adapter, so that its hooks run last; without this one, those of a user's gateway would run before
 * the session is open.
 */
@WebSocketGateway()
export class LastGateway {}
