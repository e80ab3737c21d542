/** Preloaded into a server (`--import`): disables the check of UTF-8, to measure its cost. */
import buffer from 'node:buffer';
import { syncBuiltinESMExports } from 'node:module';

buffer.isUtf8 = () => true;
syncBuiltinESMExports();
