import { afterEach, describe, expect, it } from 'vitest';
import { readSettings, settingsOfLibrary, SettingsError, unknownOfLibrary } from '../../src/settings/environment.js';

const DEFAULTS = readSettings({});

function linesOf(options: object): readonly string[] {
  try {
    settingsOfLibrary(options);
    return [];
  } catch (error) {
    return (error as SettingsError).lines;
  }
}

describe('settings of a library', () => {
  const added: string[] = [];
  const set = (name: string, value: string): void => {
    process.env[name] = value;
    added.push(name);
  };
  afterEach(() => {
    for (const name of added.splice(0)) delete process.env[name];
  });

  it('are those of the server, without endpoints', () => {
    const differing = { httpBase: undefined, nodeEnv: 'production' };
    expect(Object.assign({}, settingsOfLibrary({}))).toEqual(Object.assign({}, DEFAULTS, differing));
  });

  it('are typed options', () => {
    const allowedOrigins = ['https://app.example.com'];
    const settings = settingsOfLibrary({ heartbeatMs: 1000, who: false, allowedOrigins, httpBase: '/chat' });
    allowedOrigins.push('https://evil.example');
    expect(settings).toMatchObject({
      heartbeatMs: 1000,
      who: false,
      allowedOrigins: ['https://app.example.com'],
      httpBase: '/chat',
    });
  });

  it('are not read from the environment unless the application asks for it', () => {
    set('HEARTBEAT_MS', '1234');
    expect(settingsOfLibrary({}).heartbeatMs).toBe(DEFAULTS.heartbeatMs);
    expect(settingsOfLibrary({ environment: true }).heartbeatMs).toBe(1234);
    expect(settingsOfLibrary({ environment: { prefix: 'CHAT_' } }).heartbeatMs).toBe(DEFAULTS.heartbeatMs);
  });

  it('are read under a prefix, behind options', () => {
    set('CHAT_HEARTBEAT_MS', '1234');
    set('CHAT_WHO', 'off');
    set('CHAT_HTTP_BASE', '/chat');
    set('CHAT_PORT', 'no port');
    const settings = settingsOfLibrary({ environment: { prefix: 'CHAT_' }, heartbeatMs: 5000 });
    expect(settings).toMatchObject({ heartbeatMs: 5000, who: false, httpBase: '/chat', port: DEFAULTS.port });
  });

  it('take NODE_ENV without the prefix', () => {
    set('NODE_ENV', 'development');
    expect(settingsOfLibrary({ environment: { prefix: 'CHAT_' } }).production).toBe(false);
    expect(settingsOfLibrary({}).production).toBe(true);
    expect(settingsOfLibrary({ nodeEnv: 'development' }).production).toBe(false);
  });

  it.each<[object, string]>([
    [{ heartbeatMs: 1 }, 'heartbeatMs must be a whole number of milliseconds from 50 to 2147483647 (it is 1)'],
    [{ heartbeatMs: '25000' }, 'heartbeatMs must be a number (it is "25000")'],
    [{ who: 'off' }, 'who must be true or false (it is "off")'],
    [{ allowedOrigins: '*' }, 'allowedOrigins must be a list of strings (it is "*")'],
    [{ apiKeys: 1 }, 'apiKeys must be a string'],
    [{ auth: 'required' }, 'auth needs authSecret or authJwks (it is "required")'],
    [{ allowedOrigins: ['*'] }, 'allowedOrigins allows every origin; set allowAnyOrigin=yes to confirm (it is ["*"])'],
    [{ port: 3000 }, 'port is not an option of SwitchboardModule: it belongs to your application'],
    [{ tlsCertFile: 'a.pem' }, 'tlsCertFile is not an option of SwitchboardModule: it belongs to your application'],
    [{ hearbeatMs: 1000 }, 'hearbeatMs is not an option of SwitchboardModule: did you mean heartbeatMs?'],
    [{ HEARTBEAT_MS: 1000 }, 'HEARTBEAT_MS is not an option of SwitchboardModule: did you mean heartbeatMs?'],
    [{ trustedProxies: [] }, 'trustedProxies is not an option of SwitchboardModule: did you mean frontProxies?'],
    [{ toString: 1 }, 'toString is not an option of SwitchboardModule; docs/library.md lists them'],
    [{ inheritAppConfig: 'false' }, 'inheritAppConfig must be true or false (it is "false")'],
    [{ environment: 'CHAT_' }, `environment must be true, false or { prefix: 'CHAT_' } (it is "CHAT_")`],
    [{ environment: {} }, `environment must be true, false or { prefix: 'CHAT_' } (it is {})`],
    [{ environment: { prefix: '' } }, `environment must be true, false or { prefix: 'CHAT_' } (it is {"prefix":""})`],
    [{ environment: null }, `environment must be true, false or { prefix: 'CHAT_' } (it is null)`],
    [[], 'the options of SwitchboardModule must be an object, such as {} (they are [])'],
    [{ httpBase: '/' }, 'httpBase must be a path such as /switchboard, and not / (it is "/")'],
  ])('name the option of a wrong value: %j', (options, line) => {
    expect(linesOf(options)).toEqual([line]);
  });

  it('name a wrong object of options', () => {
    expect(linesOf(null as never)).toEqual([
      'the options of SwitchboardModule must be an object, such as {} (they are null)',
    ]);
    expect(linesOf({ environment: { prefix: null } })).toEqual([
      `environment must be true, false or { prefix: 'CHAT_' } (it is {"prefix":null})`,
    ]);
  });

  it('name the variables with the prefix that are no settings', () => {
    set('CHAT_HEARBEAT_MS', '1000');
    set('CHAT_COLOUR', 'red');
    set('CHAT_WHO', 'on');
    set('CHAT_TRUSTED_PROXIES', '10.0.0.1');
    expect(unknownOfLibrary({ environment: { prefix: 'CHAT_' } })).toEqual([
      'CHAT_HEARBEAT_MS is not a setting: did you mean CHAT_HEARTBEAT_MS?',
      'CHAT_COLOUR is not a setting',
      'CHAT_TRUSTED_PROXIES is the former name of CHAT_FRONT_PROXIES: rename it',
    ]);
    expect(settingsOfLibrary({ environment: { prefix: 'CHAT_' } }).frontProxies).toEqual(['10.0.0.1']);
    expect(unknownOfLibrary({})).toEqual([]);
  });

  it('name the variable of a wrong value of the environment', () => {
    set('CHAT_NODE_TIMEOUT_MS', '1000');
    set('CHAT_BACKPLANE_TIMEOUT_MS', '900');
    expect(linesOf({ environment: { prefix: 'CHAT_' } })).toEqual([
      'CHAT_NODE_TIMEOUT_MS must be at least twice CHAT_BACKPLANE_TIMEOUT_MS (it is 1000)',
    ]);
  });
});
