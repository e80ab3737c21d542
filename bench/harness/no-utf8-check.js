/** Loaded into a server before its own code (`--import`): takes the check of UTF-8 away, to measure what it costs. */
import buffer from 'node:buffer';
import { syncBuiltinESMExports } from 'node:module';

buffer.isUtf8 = () => true;
syncBuiltinESMExports();
