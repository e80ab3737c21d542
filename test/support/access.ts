import { DiscoveryService, ModulesContainer } from '@nestjs/core';
import { MessageAccess } from '../../src/messaging/message-access.js';
import { RememberedAnswers } from '../../src/messaging/remembered-answers.js';
import { ReservedTypes } from '../../src/messaging/reserved-types.js';
import type { Settings } from '../../src/settings/settings.js';

/** Returns the access of an application without providers, so that the settings alone decide. */
export function accessWithoutProviders(settings: Pick<Settings, 'directMessages' | 'reservedTypes'>): MessageAccess {
  const discovery = new DiscoveryService(new ModulesContainer());
  const reservedTypes = new ReservedTypes(discovery, settings as Settings);
  return new MessageAccess(discovery, reservedTypes, new RememberedAnswers(), settings as Settings);
}
