import { Module } from '@nestjs/common';
import { BackplaneModule } from '../cluster/backplane.module.js';
import { GatewayModule } from '../gateway/gateway.module.js';
import { GatewayExplorer } from '../gateway/nest/gateway-explorer.js';
import { GroupsModule } from '../groups/groups.module.js';
import { MessagingModule } from '../messaging/messaging.module.js';
import { ApiModule } from '../ops/api/api.module.js';
import { DocsModule } from '../ops/docs/docs.module.js';
import { OpsModule } from '../ops/ops.module.js';
import { PresenceModule } from '../presence/presence.module.js';
import { ResumeModule } from '../resume/resume.module.js';
import { TelemetryModule } from '../telemetry/telemetry.module.js';

/**
 * Lists the parts of a library and of the server. Needs a global module with `Settings`, `Log` and `GatewayPolicy`.
 */
@Module({
  imports: [
    TelemetryModule,
    BackplaneModule,
    MessagingModule,
    GroupsModule,
    PresenceModule,
    ResumeModule,
    GatewayModule,
    OpsModule,
    ApiModule,
    DocsModule.forRoot(GatewayModule, GatewayExplorer),
  ],
})
export class PartsModule {}
