import { posix } from 'node:path';
// The order of these imports is the order of `SETTINGS` and of `docs/settings.md`.
import { LimitSettings } from './limit-settings.js';
import { ClusterSettings } from './cluster-settings.js';
import { ResumeSettings } from './resume-settings.js';
import { AccessSettings, isProduction } from './access-settings.js';
import { ServerSettings } from './server-settings.js';

/** Groups of settings; each is checked by itself. */
export const SETTING_GROUPS = [LimitSettings, ClusterSettings, ResumeSettings, AccessSettings, ServerSettings] as const;

type SettingsOfAllGroups = LimitSettings & ClusterSettings & ResumeSettings & AccessSettings & ServerSettings;
/** Declares the fields of all groups, which {@link Settings} copies. */
const AllGroups = class {} as new () => SettingsOfAllGroups;

/** All settings of the server, read once, checked and frozen: the groups copied into one object. */
export class Settings extends AllGroups {
  constructor(groups: readonly object[] = SETTING_GROUPS.map((Group) => new Group())) {
    super();
    Object.assign(this, ...groups);
    Object.freeze(this);
  }

  /** Whether settings that are only safe while developing are rejected. */
  get production(): boolean {
    return isProduction(this.nodeEnv);
  }

  /** The path before the paths of the endpoints, without a slash at its end: empty where `HTTP_BASE` is `/`. */
  get endpointPrefix(): string {
    return (this.httpBase ?? '').replace(/\/$/, '');
  }

  /**
   * The address of the WebSocket endpoint as a relative reference (RFC 3986, 4.2), such as `./wss`. The reference starts at
   * the address of a page of the server, because a proxy may remove a path that the server does not know.
   */
  get wsReference(): string {
    return `./${posix.relative(`${this.endpointPrefix}/`, this.wsPath)}`;
  }
}
