import { element, prose } from './element.js';

/** Follows a reference into the document. */
export function resolve(schema, whole) {
  if (schema.$ref === undefined) return schema;
  const found = schema.$ref
    .slice(2)
    .split('/')
    .reduce((part, name) => part[name], whole);
  return { ...found, ...schema, $ref: undefined };
}

/** The fields of an object, each as the cells of a row; those of objects within stand below it. */
export function fieldRows(schema, whole, path = '', depth = 0) {
  const object = resolve(schema, whole);
  const required = new Set(object.required ?? []);
  return Object.entries(object.properties ?? {}).flatMap(([name, field]) => {
    const known = resolve(field, whole);
    const inner = depth > 3 ? [] : innerRows(known, whole, `${path}${name}`, depth);
    return [[nameCell(path, name, required.has(name)), [typeOf(known, whole)], meaningCell(known)], ...inner];
  });
}

function innerRows(schema, whole, path, depth) {
  if (schema.properties) return fieldRows(schema, whole, `${path}.`, depth + 1);
  const items = schema.items && resolve(schema.items, whole);
  if (items?.properties) return fieldRows(items, whole, `${path}[].`, depth + 1);
  const object = items?.anyOf?.map((each) => resolve(each, whole)).find(({ properties }) => properties);
  return object ? fieldRows(object, whole, `${path}[].`, depth + 1) : [];
}

function nameCell(path, name, required) {
  const code = element('code', { class: 'field' }, path && element('span', { class: 'path' }, path), name);
  return [
    code,
    required ? element('span', { class: 'must' }, 'required') : element('span', { class: 'may' }, 'optional'),
  ];
}

function meaningCell({ description, examples, 'x-rules': rules = [] }) {
  const parts = prose(description);
  for (const rule of rules) parts.push(element('span', { class: 'rule' }, rule));
  if (examples?.length)
    parts.push(element('span', { class: 'such' }, 'such as ', element('code', {}, JSON.stringify(examples[0]))));
  return parts;
}

/** Says in a few words what may stand in a field. */
export function typeOf(schema, whole) {
  const known = resolve(schema, whole);
  if ('const' in known) return choice([known.const]);
  if (known.enum) return choice(known.enum);
  if (known.anyOf) return separated(known.anyOf.map((each) => typeOf(each, whole)));
  const words = [plainType(known, whole), bounds(known), ...pattern(known), ...exceptions(known)];
  return element('span', {}, ...separate(words.filter((word) => word !== '')));
}

function plainType({ type, items, format, title }, whole) {
  if (type === 'array') return element('span', {}, 'list of ', items ? typeOf(items, whole) : 'anything');
  if (type === 'integer') return 'whole number';
  if (type === 'object') return title ?? 'object';
  return format ?? type ?? 'anything';
}

function bounds(schema) {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  const said = [
    range(minimum, maximum, ''),
    range(schema.minLength, schema.maxLength, ' characters'),
    range(schema.minItems, schema.maxItems, ' entries'),
    exclusiveMinimum === undefined ? '' : `over ${exclusiveMinimum}`,
    exclusiveMaximum === undefined ? '' : `under ${exclusiveMaximum}`,
    multipleOf === undefined ? '' : `a multiple of ${multipleOf}`,
    schema.uniqueItems ? 'none twice' : '',
  ];
  return said.filter((each) => each !== '').join(', ');
}

function range(least, most, unit) {
  if (least === undefined && most === undefined) return '';
  if (most === undefined) return `at least ${number(least)}${unit}`;
  if (least === undefined) return `at most ${number(most)}${unit}`;
  return `${number(least)} to ${number(most)}${unit}`;
}

function number(value) {
  return value.toLocaleString('en');
}

/** A pattern, in words where it only counts characters. */
function pattern({ pattern: source }) {
  if (source === undefined) return [];
  const counted = /^\^\[\\s\\S\]\{(\d+),(\d+)\}\$$/.exec(source);
  if (counted) return [`${counted[1]} to ${counted[2]} characters`];
  return [element('code', { class: 'pattern' }, source)];
}

function exceptions({ not }) {
  if (not?.pattern) return [element('span', {}, 'not ', element('code', { class: 'pattern' }, not.pattern))];
  return not?.enum ? [element('span', {}, 'not ', choice(not.enum))] : [];
}

function choice(values) {
  return separated(
    values.map((value) => element('code', {}, JSON.stringify(value))),
    ' or ',
  );
}

function separated(parts, by = ' or ') {
  return element('span', {}, ...separate(parts, by));
}

function separate(parts, by = ', ') {
  return parts.flatMap((part, index) => (index === 0 ? [part] : [by, part]));
}
