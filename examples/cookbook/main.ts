import { createApp, drainOnSignals, logUnhandledRejections, startApp } from 'switchboard';
import { CookbookModule } from './cookbook.module.js';

const app = await createApp({ handlers: [CookbookModule] });
drainOnSignals(app);
logUnhandledRejections(app);
await startApp(app);
