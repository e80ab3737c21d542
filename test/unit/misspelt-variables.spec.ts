import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { misspeltVariables } from '../../src/settings/misspelt-variables.js';
import { SETTINGS } from '../../src/settings/setting.js';
// Fills the table of settings.
// eslint-disable-next-line import/no-unassigned-import
import '../../src/settings/settings.js';

/** Variables of shells, systems, tools and platforms. */
const ORDINARY = `HOME PATH PWD OLDPWD USER SHELL TERM LANG LC_ALL TZ MAIL LOGNAME HOSTNAME HOSTTYPE EDITOR VISUAL PAGER
  DISPLAY SHLVL TMPDIR TEMP TMP USERNAME COLUMNS LINES DEBUG VERBOSE CI NO_COLOR FORCE_COLOR COLORTERM SSH_AUTH_SOCK
  XAUTHORITY XDG_RUNTIME_DIR HTTP_PROXY HTTPS_PROXY NO_PROXY HTTP_PORT HTTPS_PORT TLS_HOSTS TLS_CERT_DIR TLS_CLIENT_CA
  NODE_OPTIONS NODE_PATH NODE_DEBUG NODE_EXTRA_CA_CERTS NODE_NO_WARNINGS NODE_VERSION NODE_V8_COVERAGE NODE_COMPILE_CACHE
  NODE_PENDING_DEPRECATION NODE_TLS_REJECT_UNAUTHORIZED npm_config_port npm_package_name npm_lifecycle_event INIT_CWD
  DATABASE_URL REDIS_URL JWT_SECRET SESSION_SECRET APP_ENV APP_PORT BASE_URL KUBERNETES_SERVICE_HOST KUBERNETES_PORT
  NATS_PORT NATS_SERVICE_HOST DOCKER_HOST COMPOSE_PROJECT_NAME PM2_HOME INSTANCE_ID WATCH_REPORT_DEPENDENCIES BUN_INSTALL
  HISTORY_FILE GRAFANA_PASSWORD PROXY_PROTOCOL SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE JAVA_HOME GOPATH VITEST`;

describe('misspelt variables', () => {
  it.each([
    ['MESAGES_PER_SECOND', 'MESSAGES_PER_SECOND'],
    ['HEARBEAT_MS', 'HEARTBEAT_MS'],
    ['HEARTBEAT_SM', 'HEARTBEAT_MS'],
    ['ALLOWED_ORIGIN', 'ALLOWED_ORIGINS'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['AUTH_SECERT', 'AUTH_SECRET'],
    ['NODE_TIMOUT_MS', 'NODE_TIMEOUT_MS'],
    ['CONSOL', 'CONSOLE'],
    ['API_KEY', 'API_KEYS'],
  ])('%s is named with %s', (name, setting) => {
    expect(misspeltVariables([name])).toEqual([`${name} is not a setting: did you mean ${setting}?`]);
  });

  it('are no settings, and no ordinary variables', () => {
    expect(misspeltVariables(SETTINGS.map(({ variable }) => variable))).toEqual([]);
    expect(misspeltVariables(ORDINARY.split(/\s+/))).toEqual([]);
  });

  it('are no variables of the proxy, which compose passes on', () => {
    const [, compose = ''] = readFileSync('docker-compose.yml', 'utf8').split('\n  nginx:');
    expect(misspeltVariables([...compose.matchAll(/\b[A-Z][A-Z0-9_]+\b/g)].map(([name]) => name))).toEqual([]);
  });

  it('are ten at most, each once, and of a name that is not too long', () => {
    const many = Array.from({ length: 26 }, (_, index) => `HEARTBEAT_MS${String.fromCodePoint(65 + index)}`);
    expect(misspeltVariables([...many, ...many])).toHaveLength(10);
    expect(misspeltVariables(['CONSOL', 'CONSOL', `HEARTBEAT_MS${'S'.repeat(1e6)}`])).toHaveLength(1);
  });
});
