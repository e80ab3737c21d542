import { createApp, drainOnSignals, logUnhandledRejections, startApp } from 'switchboard';
import { CallModule } from './call.module.js';

const app = await createApp({ handlers: [CallModule] });
drainOnSignals(app);
logUnhandledRejections(app);
await startApp(app);
