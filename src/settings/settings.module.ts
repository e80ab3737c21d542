import { Global, Module, type DynamicModule } from '@nestjs/common';
import { Settings } from './settings.js';

/**
 * Provides the frozen settings. Global, because `forRoot()` makes the module at start and a static module cannot import
 * what it returns.
 */
@Global()
@Module({})
export class SettingsModule {
  static forRoot(settings: Settings): DynamicModule {
    return { module: SettingsModule, providers: [{ provide: Settings, useValue: settings }], exports: [Settings] };
  }
}
