import { createApp, drainOnSignals, logUnhandledRejections, startApp } from 'switchboard';
import { GroupChatModule } from './group-chat.module.js';

const file = process.env['HISTORY_FILE'] ?? 'group-chat.jsonl';
const app = await createApp({ handlers: [GroupChatModule.forRoot({ file, maxLines: 10_000 })] });
drainOnSignals(app);
logUnhandledRejections(app);
await startApp(app);
