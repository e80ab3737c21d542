import { WebSocketGateway } from '@nestjs/websockets';

/**
 * Takes the first place in Nest's list of gateways, so that the application's gateways keep their order. Nest connects
 * the first gateway last, because only the first one waits for the adapter (`SocketModule.connectGatewayToServer`).
 */
@WebSocketGateway()
export class PlaceholderGateway {}
