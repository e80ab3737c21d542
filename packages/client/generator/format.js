// @ts-check
import { createRequire } from 'node:module';
import { Failure } from './failure.js';

/**
 * Formats a module with the prettier of the project and its options, because a check of the format would otherwise
 * reject the file. A project without prettier gets the text unchanged, in prettier's default style.
 *
 * @param {string} text
 * @param {string} file the absolute path of the module
 * @returns {Promise<string>}
 */
export async function formatLikeProject(text, file) {
  const prettier = prettierOf(file);
  if (prettier === undefined) return text;
  try {
    const options = await prettier.resolveConfig(file, { editorconfig: true });
    return await prettier.format(text, { ...options, filepath: file });
  } catch (error) {
    throw new Failure(`prettier cannot format ${file}: ${/** @type {Error} */ (error).message}`);
  }
}

/**
 * @typedef {object} Prettier
 * @property {(file: string, options: { editorconfig: boolean }) => Promise<object | null>} resolveConfig
 * @property {(text: string, options: object) => Promise<string>} format
 */

/**
 * @param {string} file
 * @returns {Prettier | undefined}
 */
function prettierOf(file) {
  try {
    return createRequire(file)('prettier');
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}
