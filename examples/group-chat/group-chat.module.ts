import { Module, type DynamicModule } from '@nestjs/common';
import { GroupChatGateway } from './group-chat.gateway.js';
import { Groups } from './groups.js';
import { History, HistoryPlace } from './history.js';

@Module({})
export class GroupChatModule {
  /** @param place where the history lives, and how much of it is kept */
  static forRoot(place: HistoryPlace): DynamicModule {
    return {
      module: GroupChatModule,
      providers: [{ provide: HistoryPlace, useValue: place }, Groups, History, GroupChatGateway],
    };
  }
}
