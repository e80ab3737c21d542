#!/usr/bin/env node
// @ts-check
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { formatLikeProject } from '../generator/format.js';
import { messagesModule } from '../generator/messages-module.js';
import { documentUrl, readDocument } from '../generator/read-document.js';
import { Failure, UsageError } from '../generator/failure.js';

const HELP = `Writes the interface Messages of a running Switchboard server, for connect<Messages>() of switchboard-client.

  switchboard-types URL [--out FILE [--check]] [--header 'NAME: VALUE']...

  URL        the address of the server with its HTTP_BASE, such as http://127.0.0.1:3000
  --out      the file to write; without it the interface goes to the standard output
  --check    changes nothing; exits with 1 where FILE differs from the server
  --header   a header of the request, for a proxy that asks for one

Exit codes: 0 done, 1 failed or different, 64 wrong arguments.
`;

/** The exit code of wrong arguments, as in sysexits.h. */
const EX_USAGE = 64;

try {
  await run(parse(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  process.stderr.write(`switchboard-types: ${error.message}\n`);
  process.exitCode = error instanceof UsageError ? EX_USAGE : 1;
}

/** @param {ReturnType<typeof parse>} options */
async function run(options) {
  if (options === undefined) {
    process.stdout.write(HELP);
    return;
  }
  const { url, headers, out, check } = options;
  const text = textOf(await readDocument(url, headers), url);
  if (out === undefined) {
    process.stdout.write(text);
    return;
  }
  const formatted = await formatLikeProject(text, resolve(out));
  if (check) await compare(out, formatted);
  else await write(out, formatted);
}

/**
 * @param {Parameters<typeof messagesModule>[0]} document
 * @param {URL} url
 */
function textOf(document, url) {
  try {
    return messagesModule(document);
  } catch (error) {
    throw new Failure(`${url} has a form that this version cannot read (${String(error)}); update switchboard-client`);
  }
}

/**
 * Returns `undefined` where the help is asked for.
 *
 * @param {readonly string[]} args
 */
function parse(args) {
  const { values, positionals } = parsed(args);
  if (values.help) return undefined;
  const [url, ...rest] = positionals;
  if (url === undefined || rest.length > 0)
    throw new UsageError(`got ${positionals.length} URLs; give one, such as http://127.0.0.1:3000`);
  if (values.check && values.out === undefined)
    throw new UsageError('--check has no file to compare with; add --out FILE');
  return { url: documentUrl(url), headers: values.header.map(header), out: values.out, check: values.check };
}

/** @param {readonly string[]} args */
function parsed(args) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        out: { type: 'string', short: 'o' },
        check: { type: 'boolean', default: false },
        header: { type: 'string', multiple: true, default: [] },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(`${/** @type {Error} */ (error).message}; see switchboard-types --help`);
  }
}

/**
 * @param {string} text
 * @returns {[name: string, value: string]}
 */
function header(text) {
  const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):\s*([\t\x20-\x7e]+)$/.exec(text) ?? [];
  // The value may be a secret, so that the error does not show the text.
  if (name === undefined || value === undefined) throw new UsageError("a --header is not of the form 'NAME: VALUE'");
  return [name, value];
}

/**
 * @param {string} file
 * @param {string} text
 */
async function compare(file, text) {
  /** @type {string} */
  let present;
  try {
    present = await readFile(file, 'utf8');
  } catch (error) {
    throw new Failure(`cannot read ${file} (${codeOf(error)}); write it without --check first`);
  }
  if (present.replaceAll('\r\n', '\n') !== text.replaceAll('\r\n', '\n'))
    throw new Failure(`${file} differs from the server; write it again without --check`);
}

/**
 * @param {string} file
 * @param {string} text
 */
async function write(file, text) {
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new Failure(`cannot write ${file} (${codeOf(error)}); name a file in a folder that you may write to`);
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return /** @type {NodeJS.ErrnoException} */ (error).code ?? String(error);
}
