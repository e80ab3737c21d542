import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSettings, SettingsError, unknownSettings, type Variables } from '../../src/settings/environment.js';
import { SETTINGS } from '../../src/settings/setting.js';

/** Returns the error lines that these variables cause; an empty list where they are valid. */
function lines(variables: Variables): readonly string[] {
  try {
    readSettings(variables);
    return [];
  } catch (error) {
    if (error instanceof SettingsError) return error.lines;
    throw error;
  }
}

const BAD: [string, string, string][] = [
  ['MAX_CONNECTIONS', '-1', 'must be a whole number'],
  ['MAX_CONNECTIONS', 'many', 'must be a whole number'],
  ['MAX_CONNECTIONS_PER_ADDRESS', '-1', 'must be a whole number of connections'],
  ['MAX_CONNECTIONS_PER_USER', '1.5', 'must be a whole number of connections'],
  ['MAX_HEADER_BYTES', '100', 'must be a whole number of bytes from 4096 to 1048576'],
  ['HANDSHAKES_PER_SECOND', '5/s', 'must be a whole number of handshakes'],
  ['REQUESTS_PER_SECOND', '5/s', 'must be a whole number of requests'],
  ['RESPONSE_TIMEOUT_MS', '-1', 'must be a whole number of milliseconds'],
  ['MESSAGES_PER_SECOND', '2147483648', 'must be a whole number of messages'],
  ['BYTES_PER_SECOND', '1M', 'must be a whole number of bytes'],
  ['BROADCASTS', 'some', 'must be on or off'],
  ['BROADCAST_RECEIVERS_PER_SECOND', '-1', 'must be a whole number of receivers'],
  ['MAX_ROOMS_PER_SESSION', '0', 'must be a whole number of rooms from 1 to 10000'],
  ['MAX_WATCHES_PER_SESSION', '10001', 'must be a whole number of users from 1 to 10000'],
  ['ROOM_NOTICE_LIMIT', '1k', 'must be a whole number of members from 0 to 1000000'],
  ['FAULTS_PER_MINUTE', 'off', 'must be a whole number'],
  ['REFUSALS_PER_MINUTE', '-5', 'must be a whole number'],
  ['HANDLER_QUEUE_BYTES', '-1', 'must be a whole number'],
  ['BACKPLANE', 'redis', 'must be local, nats or auto'],
  ['BACKPLANE', 'nats', 'needs NATS_URL'],
  ['NATS_URL', 'http://127.0.0.1:4222', 'must list servers'],
  ['NATS_URL', 'nats://one:4222 nats://me:secret@two:4222', 'must list servers'],
  ['NATS_SUBJECT', 'a.b', 'must be 1 to 64'],
  ['NATS_PASSWORD', 'secret', 'needs NATS_USER'],
  ['NATS_TOKEN', 'short', 'must have at least 8 characters'],
  ['NATS_TLS_CERT_FILE', 'cert.pem', 'needs NATS_TLS_KEY_FILE'],
  ['NATS_TLS_KEY_FILE', 'key.pem', 'needs NATS_TLS_CERT_FILE'],
  ['BACKPLANE_TIMEOUT_MS', '19', 'must be a whole number of milliseconds'],
  ['BACKPLANE_TIMEOUT_MS', '2s', 'must be a whole number of milliseconds'],
  ['NODE_TIMEOUT_MS', '100', 'must be a whole number of milliseconds'],
  ['NODE_TIMEOUT_MS', '3999', 'must be at least twice BACKPLANE_TIMEOUT_MS'],
  ['RESUME_WINDOW_MS', '1m', 'must be a whole number of milliseconds from 0 to 86400000'],
  ['RESUME_BYTES', '1023', 'must be a whole number of bytes from 1024'],
  ['RESUME_BUDGET_BYTES', '0', 'must be a whole number of bytes from 1024'],
  ['AWAY_NOTICE_MS', '-1', 'must be a whole number of milliseconds'],
  ['RESUME_STATE_DIR', 'state', 'must be an absolute path'],
  ['NODE_ADDRESS', 'node-1', 'must be HOST:PORT or unix:/PATH'],
  ['NODE_ENV', '../production', 'must be a word'],
  ['ALLOWED_ORIGINS', 'app.example.com', 'must list origins'],
  ['ALLOWED_ORIGINS', 'https://a.example, https://b.example/', 'must list origins'],
  ['ALLOW_ANY_ORIGIN', 'on', 'must be yes or no'],
  ['ALLOWED_HOSTS', 'example.com:443', 'must list host names'],
  ['FRONT_PROXIES', '10.0.0.0/33', 'must list addresses or networks'],
  ['FRONT_PROXIES', '10.0.0.0/08', 'must list addresses or networks'],
  ['FRONT_PROXIES', '10.0.0.1 proxy.example', 'must list addresses or networks'],
  ['FRONT_PROXIES', '::1/129', 'must list addresses or networks'],
  ['FRONT_PROXIES', 'fe80::1%eth0', 'must list addresses or networks'],
  ['FRONT_PROXIES', '::ffff:10.0.0.0/104', 'must list addresses or networks'],
  ['FRONT_PROXIES', '0:0:0:0:0:FFFF:a00:1', 'must list addresses or networks'],
  [
    'FRONT_PROXIES',
    Array.from({ length: 513 }, (_, index) => `10.0.${index >> 8}.${index & 255}`).join(),
    'must list at most 512',
  ],
  ['AUTH', 'on', 'must be off, optional or required'],
  ['AUTH', 'required', 'needs AUTH_SECRET or AUTH_JWKS'],
  ['AUTH_SECRET', 'short', 'must have at least 32 bytes'],
  ['AUTH_KEYS_MAX_AGE_MS', '-1', 'must be a whole number'],
  ['AUTH_SKEW_MS', '300001', 'must be a whole number of milliseconds'],
  ['SHOW_USERS', 'yes', 'must be on or off'],
  ['WHO', 'none', 'must be on or off'],
  ['ROOMS', 'on', 'must be open, token or off'],
  ['USERS', 'all', 'must be open, token or off'],
  ['DIRECT_MESSAGES', 'no', 'must be on or off'],
  ['RESERVED_TYPES', 'poll.*,sys.*', 'must list types such as poll.opened, or beginnings of types such as poll.*'],
  ['RESERVED_TYPES', 'poll/opened', 'must list types such as poll.opened'],
  ['RESERVED_TYPES', '*', 'must list types such as poll.opened'],
  ['RESERVED_TYPES', 'poll.**', 'must list types such as poll.opened'],
  ['RESERVED_TYPES', 'x'.repeat(65), 'must list types such as poll.opened'],
  ['RESERVED_TYPES', Array.from({ length: 65 }, (_, index) => `t${index}`).join(), 'must list at most 64 types'],
  ['TLS_CERT_FILE', 'cert.pem', 'needs TLS_KEY_FILE'],
  ['TLS_KEY_FILE', 'key.pem', 'needs TLS_CERT_FILE'],
  ['TLS_CLIENT_CA_FILE', 'ca.pem', 'needs TLS_CERT_FILE'],
  ['TLS_RELOAD_MS', '10s', 'must be a whole number of milliseconds'],
  ['HOST', 'example.com', 'must be an IP address or localhost'],
  ['HOST', '127.0.0.1:80', 'must be an IP address or localhost'],
  ['PORT', 'abc', 'must be a whole number from 0 to 65535'],
  ['PORT', '0x10', 'must be a whole number from 0 to 65535'],
  ['PORT', ' 3000', 'must be a whole number from 0 to 65535'],
  ['PORT', '1.5', 'must be a whole number from 0 to 65535'],
  ['PORT', '1e3', 'must be a whole number from 0 to 65535'],
  ['PORT', '03000', 'must be a whole number from 0 to 65535'],
  ['PORT', '-1', 'must be a whole number from 0 to 65535'],
  ['PORT', '65536', 'must be a whole number from 0 to 65535'],
  ['LISTEN', '/run/0.sock', 'must be unix: and an absolute path'],
  ['LISTEN', 'unix:run/0.sock', 'must be unix: and an absolute path'],
  ['LISTEN', 'unix:/run/', 'must be unix: and an absolute path'],
  ['LISTEN', 'unix:/run/*', 'must be unix: and an absolute path'],
  ['LISTEN', 'unix:/*/0.sock', 'must be unix: and an absolute path'],
  ['LISTEN', `unix:/${'x'.repeat(100)}/0.sock`, 'must be a path of at most 107 bytes; one of its sockets has 108'],
  ['LISTEN', `unix:/${'x'.repeat(99)}/*.sock`, 'must be a path of at most 107 bytes; one of its sockets has 108'],
  ['WS_PATH', 'wss', 'must be a path'],
  ['WS_PATH', '/wss/', 'must be a path'],
  ['WS_PATH', '/', 'must be a path'],
  ['WS_PATH', '/a?b', 'must be a path'],
  ['WS_PATH', '/a/../b', 'must be a path'],
  ['HTTP_BASE', 'chat', 'must be / or a path'],
  ['HTTP_BASE', '/chat/', 'must be / or a path'],
  ['HTTP_BASE', '/a/../b', 'must be / or a path'],
  ['LOG_LEVEL', 'loud', 'must be error, warn, info or debug'],
  ['LOG_LEVEL', 'INFO', 'must be error, warn, info or debug'],
  ['LOG_FORMAT', 'xml', 'must be text or json'],
  ['HEARTBEAT_MS', '49', 'must be a whole number of milliseconds from 50 to 2147483647'],
  ['HEARTBEAT_MS', '2147483648', 'must be a whole number of milliseconds from 50 to 2147483647'],
  ['HEARTBEAT_MS', '25s', 'must be a whole number of milliseconds'],
  ['MAX_MESSAGE_BYTES', '255', 'must be a whole number of bytes from 256 to 67108864'],
  ['MAX_MESSAGE_BYTES', '64K', 'must be a whole number of bytes'],
  ['HANDSHAKE_TIMEOUT_MS', '99', 'must be a whole number of milliseconds from 100 to 2147483647, or 0'],
  ['FRAME_TIMEOUT_MS', '-1', 'must be a whole number of milliseconds'],
  ['MIN_BYTES_PER_SECOND', '0', 'must be a whole number of bytes from 1 to 2147483647'],
  ['HANDLER_TIMEOUT_MS', '9', 'must be a whole number of milliseconds from 10 to 2147483647'],
  ['ARRIVAL_NOTICES', 'true', 'must be on or off'],
  ['ARRIVAL_NOTICES', '1', 'must be on or off'],
  ['ARRIVAL_NOTICES', 'On', 'must be on or off'],
  ['NOTICE_SCOPE', 'some', 'must be all, peers, rooms or none'],
  ['NOTICE_WINDOW_MS', '10001', 'must be a whole number of milliseconds from 0 to 10000'],
  ['OUTBOX_HIGH_WATER_BYTES', '16383', 'must be a whole number of bytes from 16384 to 2147483647'],
  ['SLOW_CONSUMER_MS', '99', 'must be a whole number of milliseconds from 100 to 2147483647'],
  ['MEMORY_BUDGET_BYTES', '-1', 'must be a whole number of bytes from 0 to 9007199254740991'],
  ['MEMORY_BUDGET_BYTES', '99999999999999999999', 'must be a whole number of bytes from 0 to 9007199254740991'],
  ['FAST_LANE', 'no', 'must be on or off'],
  ['CONSOLE', 'yes', 'must be on or off'],
  ['DOCS', 'yes', 'must be on or off'],
  ['DRAIN_SPREAD_MS', '-1', 'must be a whole number of milliseconds from 0 to 2147483647'],
  ['DRAIN_TIMEOUT_MS', '499', 'must be a whole number of milliseconds from 500 to 2147483647'],
  ['EVENT_LOOP_DELAY_MS', '9', 'must be a whole number of milliseconds from 10 to 2147483647'],
  ['API_KEYS', 'tooshort', 'must be keys of at least 16 characters'],
  ['API_KEYS', 'a-key-of-16-chars,short', 'must be keys of at least 16 characters'],
  ['API_REQUESTS_PER_SECOND', '0', 'must be a whole number of requests from 1 to 1000000'],
];
/** Variables that accept any text. */
const FREE = [
  'PROXY_SECRET_FILE',
  'AUTH_JWKS',
  'NATS_USER',
  'NATS_CREDS_FILE',
  'NATS_TLS_CA_FILE',
  'AUTH_ISSUER',
  'AUTH_AUDIENCE',
];
const SECRET = SETTINGS.filter(({ secret }) => secret).map(({ variable }) => variable);

describe('settings', () => {
  // Variables of the shell that runs the tests must not change the outcome.
  const kept = { ...process.env };
  // The working directory has no `.env` of a developer.
  const [before, folder] = [process.cwd(), mkdtempSync(join(tmpdir(), 'switchboard-settings-'))];
  beforeEach(() => {
    process.chdir(folder);
    for (const { variable } of SETTINGS) delete process.env[variable];
    delete process.env['NODE_ENV'];
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  afterEach(() => {
    rmSync('.env', { force: true });
    process.chdir(before);
    for (const name of [...SETTINGS.map(({ variable }) => variable), 'NODE_ENV'])
      if (kept[name] === undefined) delete process.env[name];
      else process.env[name] = kept[name];
  });

  it('have the defaults where no variable is set', () => {
    expect(readSettings()).toMatchObject({
      host: '127.0.0.1',
      port: 3000,
      wsPath: '/wss',
      logLevel: 'info',
      logFormat: 'text',
      heartbeatMs: 25_000,
      maxMessageBytes: 65_536,
      arrivalNotices: true,
      noticeScope: 'all',
      rooms: 'open',
      users: 'open',
      maxRoomsPerSession: 100,
      maxWatchesPerSession: 256,
      roomNoticeLimit: 1000,
      fastLane: true,
    });
  });

  it('come from overrides, the environment, .env, the file of NODE_ENV and the defaults, in this order', () => {
    expect(readSettings().logFormat).toBe('text');
    writeFileSync('.env', 'NODE_ENV=production');
    expect(readSettings().logFormat).toBe('json');
    writeFileSync('.env', 'NODE_ENV=production\nLOG_FORMAT=text');
    expect(readSettings().logFormat).toBe('text');
    process.env['LOG_FORMAT'] = 'json';
    expect(readSettings().logFormat).toBe('json');
    expect(readSettings({ LOG_FORMAT: 'text' }).logFormat).toBe('text');
  });

  it('do not come from .env in tests', () => {
    writeFileSync('.env', 'PORT=4000');
    expect(readSettings().port).toBe(4000);
    process.env['NODE_ENV'] = 'test';
    expect(readSettings().port).toBe(3000);
  });

  it('name a variable that may be misspelt beside a setting that is missing', () => {
    process.env['AUTH_SECERT'] = 'x';
    expect(lines({ AUTH: 'required' })).toEqual([
      'AUTH needs AUTH_SECRET or AUTH_JWKS (it is "required")',
      'AUTH_SECERT is not a setting: did you mean AUTH_SECRET?',
    ]);
    delete process.env['AUTH_SECERT'];
  });

  it('are read under a former name where the new one is not set, and the former name is reported', () => {
    const former = { TRUSTED_PROXIES: '10.0.0.1' };
    expect(readSettings(former, {}).frontProxies).toEqual(['10.0.0.1']);
    expect(readSettings({ FRONT_PROXIES: '10.0.0.2' }, former).frontProxies).toEqual(['10.0.0.2']);
    const line = 'TRUSTED_PROXIES is the former name of FRONT_PROXIES: rename it';
    expect(unknownSettings(former, {})).toEqual([line]);
    expect(unknownSettings({ FRONT_PROXIES: '10.0.0.2' }, { TRUSTED_PROXIES: '' })).toEqual([]);
    expect(lines({ TRUSTED_PROXIES: 'any' })).toEqual([expect.stringContaining('FRONT_PROXIES must list'), line]);
  });

  it('in development do not hold up a restart', () => {
    process.env['NODE_ENV'] = 'development';
    expect(readSettings()).toMatchObject({ drainSpreadMs: 1500, drainTimeoutMs: 500, logFormat: 'text' });
  });

  it('treat an empty value as not set', () => {
    process.env['NODE_ENV'] = 'production';
    process.env['LOG_FORMAT'] = '';
    process.env['PORT'] = '';
    expect(readSettings({ PORT: '' })).toMatchObject({ logFormat: 'json', port: 3000 });
  });

  it.each(['nowhere', 'test', ''])('have no file for NODE_ENV=%j', (mode) => {
    process.env['NODE_ENV'] = mode;
    expect(readSettings().logFormat).toBe('text');
  });

  it('read switches written as on and off', () => {
    expect(readSettings({ ARRIVAL_NOTICES: 'off' }).arrivalNotices).toBe(false);
    expect(readSettings({ ARRIVAL_NOTICES: 'on' }).arrivalNotices).toBe(true);
  });

  it.each(['0.0.0.0', '::', '::1', 'localhost', '10.1.2.3'])('accept %s as an address to listen on', (host) => {
    expect(readSettings({ HOST: host }).host).toBe(host);
  });

  it('are frozen', () => {
    expect(() => Object.assign(readSettings(), { port: 1 })).toThrow(TypeError);
  });

  it.each(BAD)('reject %s=%s with one line that states the reason', (variable, value, reason) => {
    const [line, ...others] = lines({ [variable]: value });
    expect(others).toEqual([]);
    expect(line).toContain(`${variable} ${reason}`);
    expect(line!.includes('(it is ')).toBe(!SECRET.includes(variable));
  });

  it('reject DRAIN_SPREAD_MS over RESUME_WINDOW_MS where sessions outlive the process', () => {
    const late = { DRAIN_SPREAD_MS: '30000', RESUME_WINDOW_MS: '5000' };
    expect(() => readSettings({ ...late, RESUME_STATE_DIR: '/state' })).toThrow(
      'DRAIN_SPREAD_MS must be at most RESUME_WINDOW_MS with RESUME_STATE_DIR, 5000 (it is 30000)',
    );
    const accepted = [late, { ...late, RESUME_WINDOW_MS: '0', RESUME_STATE_DIR: '/state' }];
    accepted.push({ DRAIN_SPREAD_MS: '5000', RESUME_WINDOW_MS: '5000', RESUME_STATE_DIR: '/state' });
    for (const variables of accepted) expect(() => readSettings(variables)).not.toThrow();
  });

  it('never show a secret', () => {
    expect(SECRET).toEqual(expect.arrayContaining(['AUTH_SECRET', 'API_KEYS']));
    const all = lines(Object.fromEntries(SECRET.map((variable) => [variable, 'hush'])));
    expect(all).toHaveLength(SECRET.length);
    expect(all.join()).not.toContain('hush');
  });

  it('have a wrong value in this test for every variable that does not accept any text', () => {
    const tried = new Set(BAD.map(([variable]) => variable));
    const all = SETTINGS.map(({ variable }) => variable);
    expect([...tried]).toEqual(all.filter((variable) => !FREE.includes(variable)));
  });

  it('allow every origin in production only where ALLOW_ANY_ORIGIN confirms it', () => {
    const every = { NODE_ENV: 'production', ALLOWED_ORIGINS: '*' };
    expect(lines(every)).toEqual([
      expect.stringContaining('ALLOWED_ORIGINS allows every origin; set ALLOW_ANY_ORIGIN=yes to confirm'),
    ]);
    expect(lines({ ...every, ALLOW_ANY_ORIGIN: 'yes' })).toEqual([]);
    expect(lines({ ALLOWED_ORIGINS: '*' })).toEqual([]);
  });

  it('accept keys over http only while developing', () => {
    const keys = { AUTH_JWKS: 'http://127.0.0.1/keys' };
    expect(lines(keys)).toEqual([]);
    expect(lines({ ...keys, NODE_ENV: 'production' })).toEqual([expect.stringContaining('AUTH_JWKS must be https')]);
  });

  it('reject all wrong variables at once, one line each', () => {
    const wrong = { PORT: 'none', LOG_LEVEL: 'loud', AUTH_SECRET: 'short', WHO: 'yes', HEARTBEAT_MS: '1' };
    const all = lines(wrong);
    expect(all.map((line) => line.replace(/ .*/, '')).toSorted()).toEqual(Object.keys(wrong).toSorted());
    expect(all.join('')).not.toContain('\n');
  });

  it('escape line breaks of a value in the error line', () => {
    expect(lines({ LOG_LEVEL: 'info\nlistening' })).toEqual([
      'LOG_LEVEL must be error, warn, info or debug (it is "info\\nlistening")',
    ]);
  });
});
