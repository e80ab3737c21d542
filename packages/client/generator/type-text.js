// @ts-check

/**
 * A TypeScript type, which {@link property} and {@link declaration} write in the default style of prettier.
 *
 * @typedef {{ readonly kind: 'text'; readonly text: string }} TextType
 * @typedef {{ readonly kind: 'array'; readonly of: Type }} ArrayType
 * @typedef {{ readonly kind: 'union' | 'intersection'; readonly of: readonly Type[] }} JoinedType
 * @typedef {{ readonly kind: 'object'; readonly members: readonly Member[] }} ObjectType
 * @typedef {TextType | ArrayType | JoinedType | ObjectType} Type
 */

/**
 * @typedef {object} Member
 * @property {string} head the text before the colon
 * @property {string | undefined} comment
 * @property {Type} type
 */

const WIDTH = 80;
const STEP = '  ';

/**
 * Writes an exported declaration of a type.
 *
 * @param {string} name
 * @param {string | undefined} comment
 * @param {Type} type
 */
export function declaration(name, comment, type) {
  const head = type.kind === 'object' ? `export interface ${name}` : `export type ${name} =`;
  return `${docComment(comment, '')}${head}${behind(head, type, '')}${type.kind === 'object' ? '' : ';'}\n`;
}

/**
 * Writes a string literal as prettier does, in the quotes that need fewer escapes.
 *
 * @param {string} text
 */
export function stringLiteral(text) {
  const double = JSON.stringify(text);
  const count = (/** @type {string} */ quote) => text.split(quote).length;
  if (count('"') <= count("'")) return double;
  const inner = double.slice(1, -1).replaceAll(/\\.|'/g, (found) => ({ '\\"': '"', "'": "\\'" })[found] ?? found);
  return `'${inner}'`;
}

/**
 * @param {Member} member
 * @param {string} pad
 */
function property({ head, comment, type }, pad) {
  return `${docComment(comment, pad)}${pad}${head}:${behind(`${pad}${head}:`, type, pad)};\n`;
}

/**
 * Writes a type behind a text on its line, on one line where it fits.
 *
 * @param {string} before
 * @param {Type} type
 * @param {string} pad the indentation of that line
 * @returns {string}
 */
function behind(before, type, pad) {
  const line = inline(type);
  if (line !== undefined && `${before} ${line};`.length <= WIDTH) return ` ${line}`;
  if (type.kind === 'union') return `\n${options(type, pad + STEP, ';')}`;
  return ` ${block(type, pad)}`;
}

/**
 * @param {Type} type
 * @param {string} pad
 * @returns {string}
 */
function block(type, pad) {
  if (type.kind === 'object' && type.members.length > 0)
    return `{\n${type.members.map((member) => property(member, pad + STEP)).join('')}${pad}}`;
  if (type.kind === 'array' && type.of.kind === 'union') return `(\n${options(type.of, pad + STEP, '')}\n${pad})[]`;
  if (type.kind === 'array') return `${block(type.of, pad)}[]`;
  if (type.kind === 'intersection') return type.of.map((each) => block(each, pad)).join(' & ');
  return inline(type) ?? '';
}

/**
 * Writes a union on a line of its own, or one option a line.
 *
 * @param {JoinedType} type
 * @param {string} pad
 * @param {string} end the text behind the union on its last line
 */
function options(type, pad, end) {
  const line = inline(type);
  if (line !== undefined && `${pad}${line}${end}`.length <= WIDTH) return `${pad}${line}`;
  return type.of.map((each) => `${pad}| ${block(each, pad + STEP)}`).join('\n');
}

/**
 * Writes a type on one line; returns `undefined` for an object with members, which prettier leaves on several lines.
 *
 * @param {Type} type
 * @returns {string | undefined}
 */
function inline(type) {
  if (type.kind === 'text') return type.text;
  if (type.kind === 'object') return type.members.length === 0 ? '{}' : undefined;
  if (type.kind === 'array') {
    const of = inline(type.of);
    return of && (type.of.kind === 'union' || type.of.kind === 'intersection' ? `(${of})[]` : `${of}[]`);
  }
  const all = type.of.map((each) => {
    const text = inline(each);
    return text && type.kind === 'intersection' && each.kind === 'union' ? `(${text})` : text;
  });
  return all.includes(undefined) ? undefined : all.join(type.kind === 'union' ? ' | ' : ' & ');
}

/**
 * @param {string | undefined} comment
 * @param {string} pad
 */
function docComment(comment, pad) {
  const lines = (comment ?? '')
    .replaceAll('*/', '*\\/')
    .trim()
    .split(/\r\n|[\n\r\u2028\u2029]/);
  if (lines.length > 1)
    return `${pad}/**\n${lines.map((line) => `${pad} * ${line}`.trimEnd()).join('\n')}\n${pad} */\n`;
  return lines[0] === '' ? '' : `${pad}/** ${lines[0]} */\n`;
}
