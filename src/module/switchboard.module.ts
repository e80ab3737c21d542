import { Inject, Module, Optional, type ConfigurableModuleAsyncOptions, type DynamicModule } from '@nestjs/common';
import { NodeModule } from '../node/node.module.js';
import type { SwitchboardOptions } from '../settings/library-options.js';
import { StartError } from '../settings/start-error.js';
import { LibraryStart } from './library-start.js';
import { HAS_OPTIONS, OptionsModule } from './options.module.js';
import { PartsModule } from './parts.module.js';

/** Options of `SwitchboardModule.forRootAsync()`: `imports`, `inject` and `useFactory`, or `useClass`, or `useExisting`. */
export type SwitchboardAsyncOptions = ConfigurableModuleAsyncOptions<SwitchboardOptions>;

/** Adds sessions and messages to an application of Nest. Needs {@link SwitchboardAdapter}, which opens the sessions. */
@Module({})
export class SwitchboardModule {
  /** @throws {StartError} where no module of the application calls `forRoot()` */
  constructor(@Optional() @Inject(HAS_OPTIONS) hasOptions?: true) {
    if (!hasOptions)
      throw new StartError(['SwitchboardModule is imported without options: call SwitchboardModule.forRoot()']);
  }

  /** A wrong option ends the creation of the application with a {@link SettingsError}. */
  static forRoot(options: SwitchboardOptions = {}): DynamicModule {
    return libraryModule(OptionsModule.forRoot(options));
  }

  static forRootAsync(options: SwitchboardAsyncOptions): DynamicModule {
    return libraryModule(OptionsModule.forRootAsync(options));
  }
}

function libraryModule(options: DynamicModule): DynamicModule {
  return { module: SwitchboardModule, imports: [options, NodeModule, PartsModule], providers: [LibraryStart] };
}
