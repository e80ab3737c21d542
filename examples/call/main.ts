import { createApp, endOnSignals, outliveRejections, startApp } from 'switchboard';
import { CallModule } from './call.module.js';

const app = await createApp({ handlers: [CallModule] });
endOnSignals(app);
outliveRejections(app);
await startApp(app);
