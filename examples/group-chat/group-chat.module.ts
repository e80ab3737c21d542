import { Module, type DynamicModule } from '@nestjs/common';
import { GroupChatGateway } from './group-chat.gateway.js';
import { History, HistoryOptions } from './history.js';

@Module({})
export class GroupChatModule {
  /** @param options file and size of the history */
  static forRoot(options: HistoryOptions): DynamicModule {
    return {
      module: GroupChatModule,
      providers: [{ provide: HistoryOptions, useValue: options }, History, GroupChatGateway],
    };
  }
}
