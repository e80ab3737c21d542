import { createElement, prose } from './element.js';

/** Resolves a JSON reference into the document. */
export function resolve(schema, document) {
  if (schema.$ref === undefined) return schema;
  const target = schema.$ref
    .slice(2)
    .split('/')
    .reduce((node, name) => node[name], document);
  return { ...target, ...schema, $ref: undefined };
}

/** Returns a table row for each field of an object; the fields of nested objects follow their parent. */
export function fieldRows(schema, document, path = '', depth = 0) {
  const object = resolve(schema, document);
  const required = new Set(object.required ?? []);
  return Object.entries(object.properties ?? {}).flatMap(([name, property]) => {
    const field = resolve(property, document);
    const nested = depth > 3 ? [] : nestedRows(field, document, `${path}${name}`, depth);
    return [[nameCell(path, name, required.has(name)), [typeOf(field, document)], meaningCell(field)], ...nested];
  });
}

function nestedRows(schema, document, path, depth) {
  if (schema.properties) return fieldRows(schema, document, `${path}.`, depth + 1);
  const items = schema.items && resolve(schema.items, document);
  if (items?.properties) return fieldRows(items, document, `${path}[].`, depth + 1);
  const object = items?.anyOf?.map((option) => resolve(option, document)).find(({ properties }) => properties);
  return object ? fieldRows(object, document, `${path}[].`, depth + 1) : [];
}

function nameCell(path, name, required) {
  const presence = required ? 'required' : 'optional';
  return [
    createElement('code', { class: 'field' }, path && createElement('span', { class: 'path' }, path), name),
    createElement('span', { class: presence }, presence),
  ];
}

function meaningCell({ description, examples, 'x-rules': rules = [] }) {
  const children = prose(description);
  for (const rule of rules) children.push(createElement('span', { class: 'rule' }, rule));
  if (examples?.length) {
    const example = createElement('code', {}, JSON.stringify(examples[0]));
    children.push(createElement('span', { class: 'example' }, 'Example: ', example));
  }
  return children;
}

/** Describes the type and the constraints of a field. */
export function typeOf(schema, document) {
  const resolved = resolve(schema, document);
  if ('const' in resolved) return choice([resolved.const]);
  if (resolved.enum) return choice(resolved.enum);
  if (resolved.anyOf) return joined(resolved.anyOf.map((option) => typeOf(option, document)));
  const items = [plainType(resolved, document), bounds(resolved), ...pattern(resolved), ...exclusions(resolved)];
  return createElement('span', {}, ...separated(items.filter((item) => item !== '')));
}

function plainType({ type, items, format, title }, document) {
  if (type === 'array') return createElement('span', {}, 'array of ', items ? typeOf(items, document) : 'any value');
  if (type === 'object') return title ?? 'object';
  return format ?? type ?? 'any value';
}

function bounds(schema) {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  const constraints = [
    range(minimum, maximum, ''),
    range(schema.minLength, schema.maxLength, ' characters'),
    range(schema.minItems, schema.maxItems, ' entries'),
    exclusiveMinimum === undefined ? '' : `greater than ${exclusiveMinimum}`,
    exclusiveMaximum === undefined ? '' : `less than ${exclusiveMaximum}`,
    multipleOf === undefined ? '' : `a multiple of ${multipleOf}`,
    schema.uniqueItems ? 'no duplicates' : '',
  ];
  return constraints.filter((constraint) => constraint !== '').join(', ');
}

function range(min, max, unit) {
  if (min === undefined && max === undefined) return '';
  if (max === undefined) return `at least ${number(min)}${unit}`;
  if (min === undefined) return `at most ${number(max)}${unit}`;
  return `${number(min)} to ${number(max)}${unit}`;
}

function number(value) {
  return value.toLocaleString('en');
}

/** Describes a pattern; one that only counts characters as a range. */
function pattern({ pattern: source }) {
  if (source === undefined) return [];
  const length = /^\^\[\\s\\S\]\{(\d+),(\d+)\}\$$/.exec(source);
  if (length) return [`${length[1]} to ${length[2]} characters`];
  return [createElement('code', { class: 'pattern' }, source)];
}

function exclusions({ not }) {
  if (not?.pattern)
    return [createElement('span', {}, 'not ', createElement('code', { class: 'pattern' }, not.pattern))];
  return not?.enum ? [createElement('span', {}, 'not ', choice(not.enum))] : [];
}

function choice(values) {
  return joined(values.map((value) => createElement('code', {}, JSON.stringify(value))));
}

function joined(children) {
  return createElement('span', {}, ...separated(children, ' or '));
}

function separated(children, separator = ', ') {
  return children.flatMap((child, index) => (index === 0 ? [child] : [separator, child]));
}
