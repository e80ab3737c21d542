import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readEnvFile } from '../../src/settings/env-file.js';

describe('a file of variables', () => {
  const folder = mkdtempSync(join(tmpdir(), 'switchboard-env-'));
  const file = join(folder, '.env');
  afterAll(() => rmSync(folder, { recursive: true }));

  const read = (text: string): Readonly<Record<string, string | undefined>> => {
    writeFileSync(file, text);
    return readEnvFile(file);
  };

  it('is empty where it does not exist', () => {
    expect(readEnvFile(join(folder, 'nowhere'))).toEqual({});
  });

  it('has one variable a line, comments, and values in quotes over several lines', () => {
    const text = [
      '# a "comment=',
      'PORT=4000',
      'export HOST = 127.0.0.1 # here',
      '',
      `KEYS="one`,
      `two words`,
      `three" # list`,
      `LOG_LEVEL='debug'\r`,
      `WS_PATH=/it's`,
    ];
    expect(read(text.join('\n'))).toMatchObject({
      PORT: '4000',
      HOST: '127.0.0.1',
      KEYS: 'one\ntwo words\nthree',
      LOG_LEVEL: 'debug',
      WS_PATH: "/it's",
    });
  });

  it('is refused with the numbers of its wrong lines, without their text', () => {
    const wrong = () => read('PORT=4000\nAUTH_SECRET hidden\nA="x\ny"\n=hidden\n');
    const line = (number: number): string => `${file}: line ${number} must be NAME=value or # comment`;
    expect(wrong).toThrow(`${line(2)}\n${line(5)}`);
  });

  it('is refused where it cannot be read', () => {
    expect(() => readEnvFile(folder)).toThrow(`${folder} cannot be read: EISDIR`);
  });
});
