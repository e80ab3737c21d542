/** Decides how an application uses gateways. Written by the module that starts Switchboard. */
export class GatewayPolicy {
  /** Whether global guards and interceptors of the application run for messages, too. */
  readonly inheritAppConfig: boolean;
  /**
   * Use of `@WebSocketGateway()` classes: `served` at `WS_PATH` like gateways of Switchboard, or `foreign`, which
   * leaves them to another adapter.
   */
  readonly plainGateways: 'served' | 'foreign';

  constructor({ inheritAppConfig, plainGateways }: Pick<GatewayPolicy, 'inheritAppConfig' | 'plainGateways'>) {
    this.inheritAppConfig = inheritAppConfig;
    this.plainGateways = plainGateways;
  }
}
