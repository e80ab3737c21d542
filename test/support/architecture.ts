import ts from 'typescript';

/** Source files by their paths below `src/`, with `/`; those of `packages/client/src/` are below `client/`. */
export type Tree = ReadonlyMap<string, string>;

/** Ranks of the rooms. A file imports its own room or a room of a lower rank. */
export const RANKS: Readonly<Record<string, number>> = {
  testing: 9,
  standalone: 8,
  module: 7,
  handlers: 7,
  gateway: 6,
  ops: 6,
  presence: 5,
  resume: 5,
  groups: 4,
  messaging: 3,
  sessions: 2,
  cluster: 2,
  settings: 1,
  telemetry: 1,
  node: 1,
  limits: 1,
  protocol: 0,
  client: 0,
};

/**
 * Ranks of the sub-folders of each room. A file in a sub-folder imports its own sub-folder, a sub-folder of a lower rank,
 * and the files at the room's root.
 */
export const SUB_RANKS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  gateway: { nest: 3, frames: 3, handshake: 2, dispatch: 2, auth: 1, returns: 1, tls: 1, http: 0 },
  ops: { docs: 2, api: 2, static: 1, metrics: 1, health: 1, shutdown: 1 },
  cluster: { membership: 3, nats: 2, wire: 1 },
  protocol: { scan: 2, tables: 1 },
  resume: { state: 1 },
};

const MAX_LINES = 250;
const ROOT_FILES = new Set(['main.ts', 'index.ts']);
/** Files that only re-export: those of the protocol and of the package. */
const BARRELS = new Set(['protocol/index.ts', 'index.ts']);
const BANNED_NAMES = /(^|\/)(utils?|common|helpers?|types)(\/|\.ts$)/;
const BARE_OF_NEST = /^(@nestjs\/|ws$|node:net$|node:http|rxjs)/;

/** Returns every breach of the rules of the house, one sentence each. */
export function breaches(tree: Tree): string[] {
  const environmentReaders = [...tree].filter(([, text]) => text.includes('process.env')).map(([path]) => path);
  return [
    ...[...tree].flatMap(([path, text]) => fileBreaches(path, text)),
    ...(environmentReaders.length > 1 ? [`process.env stands in ${environmentReaders.join(' and ')}`] : []),
    ...importCircles(tree).map((circle) => `${circle.join(', ')} import each other in a circle`),
  ];
}

function fileBreaches(path: string, text: string): string[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const lines = text.trimEnd().split('\n').length;
  return [
    ...(lines > MAX_LINES ? [`${path} has ${lines} lines`] : []),
    ...(BANNED_NAMES.test(path) ? [`${path} is named for nothing`] : []),
    ...(/(^|\/)index\.ts$/.test(path) && !BARRELS.has(path) ? [`${path} is a barrel`] : []),
    ...(isInUnknownRoom(path) ? [`${path} is in a room that the design does not know`] : []),
    ...importsOf(source).flatMap((each) => importBreach(path, each)),
    ...nodeBreaches(path, source),
  ];
}

function importBreach(path: string, { name, isCall }: Import): string[] {
  const from = folderOf(path);
  if (!name.startsWith('.') && from === 'client') return [`${path} imports ${name}: the client depends on nothing`];
  if (!name.startsWith('.'))
    return from === 'protocol' && BARE_OF_NEST.test(name)
      ? [`${path} imports ${name}: the wire knows no framework`]
      : [];
  const target = targetOf(path, name);
  const to = folderOf(target);
  // Loaded later, because a handler may import the package by its name, which loads all other rooms.
  if (to === 'handlers' && from !== 'handlers' && !(path === 'standalone/standalone.module.ts' && isCall))
    return [`${path} imports from handlers/`];
  if (to === 'testing' && from !== 'testing') return [`${path} imports from testing/`];
  if (ROOT_FILES.has(path)) return [];
  if (from === to) return subFolderBreach(path, target);
  const [fromRank, toRank] = [RANKS[from] ?? -1, RANKS[to] ?? Number.POSITIVE_INFINITY];
  return toRank < fromRank ? [] : [`${path} imports ${target}: ${from} may not know ${to || 'the root'}`];
}

/** Checks the rank of the sub-folders where a file imports from its own room. */
function subFolderBreach(path: string, target: string): string[] {
  const [from, to] = [subFolderOf(path), subFolderOf(target)];
  if (from === '' || to === '' || from === to) return [];
  const ranks = SUB_RANKS[folderOf(path)] ?? {};
  return (ranks[to] ?? Number.POSITIVE_INFINITY) < (ranks[from] ?? -1)
    ? []
    : [`${path} imports ${target}: ${from} may not know ${to}`];
}

function isInUnknownRoom(path: string): boolean {
  const [room, sub] = [folderOf(path), subFolderOf(path)];
  return (
    room !== '' && !BANNED_NAMES.test(path) && (!(room in RANKS) || (sub !== '' && !(sub in (SUB_RANKS[room] ?? {}))))
  );
}

/** Returns the circles of imports between files, each as the list of its files. Imports of types count. */
function importCircles(tree: Tree): string[][] {
  const graph = new Map(
    [...tree].map(([path, text]) => {
      const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
      const relative = importsOf(source).flatMap(({ name }) => (name.startsWith('.') ? [name] : []));
      return [path, relative.map((name) => targetOf(path, name).replace(/\.js$/, '.ts'))] as const;
    }),
  );
  const circles: string[][] = [];
  const index = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  // Tarjan's strongly connected components.
  const visit = (path: string): void => {
    index.set(path, index.size);
    lowest.set(path, index.get(path)!);
    open.push(path);
    for (const next of graph.get(path) ?? []) {
      if (!graph.has(next)) continue;
      if (!index.has(next)) visit(next);
      if (open.includes(next)) lowest.set(path, Math.min(lowest.get(path)!, lowest.get(next)!));
    }
    if (lowest.get(path) !== index.get(path)) return;
    const circle = open.splice(open.indexOf(path));
    if (circle.length > 1) circles.push(circle.toSorted());
  };
  for (const path of graph.keys()) if (!index.has(path)) visit(path);
  return circles;
}

interface Import {
  readonly name: string;
  /** Whether the import is a call of `import()`, which loads the file later. */
  readonly isCall: boolean;
}

/** Lists the imports and re-exports of a file: static ones, `import()` and those in a type. */
function importsOf(source: ts.SourceFile): Import[] {
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    const specifier = specifierOf(node);
    if (specifier !== undefined && ts.isStringLiteralLike(specifier))
      found.push({ name: specifier.text, isCall: ts.isCallExpression(node) });
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function specifierOf(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return node.argument.literal;
  return ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
    ? node.arguments[0]
    : undefined;
}

function nodeBreaches(path: string, source: ts.SourceFile): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (node.kind === ts.SyntaxKind.AnyKeyword) found.push(`${path} says any`);
    if (isEvaluation(node)) found.push(`${path} runs a text as code`);
    if (isDefaultExport(node)) found.push(`${path} has a default export`);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** `eval(…)`, `Function(…)` and `new Function(…)`. */
function isEvaluation(node: ts.Node): boolean {
  if (!ts.isCallExpression(node) && !ts.isNewExpression(node)) return false;
  return ts.isIdentifier(node.expression) && ['eval', 'Function'].includes(node.expression.text);
}

/** `export default …` of any kind, and `export { a as default }`. */
function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportSpecifier(node)) return node.name.text === 'default';
  return (
    ts.isExportAssignment(node) || (node.kind === ts.SyntaxKind.DefaultKeyword && !ts.isDefaultClause(node.parent))
  );
}

function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : '';
}

/** Returns the sub-folder of a file within its room; an empty string for a file at the room's root. */
function subFolderOf(path: string): string {
  const parts = path.split('/');
  return parts.length > 2 ? parts[1]! : '';
}

function targetOf(path: string, name: string): string {
  return new URL(name, `file:///${path}`).pathname.slice(1);
}
