import { DiscoveryService, ModulesContainer } from '@nestjs/core';
import { MessageAccess } from '../../src/messaging/message-access.js';
import { ReservedTypes } from '../../src/messaging/reserved-types.js';
import type { Settings } from '../../src/settings/settings.js';

/** Returns the access of an application without providers, so that the settings alone decide. */
export function accessWithoutProviders(settings: Pick<Settings, 'directMessages' | 'reservedTypes'>): MessageAccess {
  const discovery = new DiscoveryService(new ModulesContainer());
  return new MessageAccess(discovery, new ReservedTypes(discovery, settings as Settings), settings as Settings);
}
