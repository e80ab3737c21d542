import { createApp, endOnSignals, startApp } from 'switchboard';
import { CallModule } from './call.module.js';

const app = await createApp({ handlers: [CallModule] });
endOnSignals(app);
await startApp(app);
