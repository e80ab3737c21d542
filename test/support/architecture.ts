import ts from 'typescript';

/** A source file by its path below `src/`, with `/`. */
export type Tree = ReadonlyMap<string, string>;

/** A folder's rank: a file imports its own folder or one of a lower rank. */
export const RANKS: Readonly<Record<string, number>> = {
  handlers: 7,
  gateway: 6,
  ops: 6,
  groups: 4,
  resume: 5,
  presence: 5,
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

const MAX_LINES = 250;
const ROOT_FILES = new Set(['main.ts', 'app.ts', 'app.module.ts', 'index.ts', 'startup-checks.ts']);
/** Lists of what others import: of the protocol, and of the whole. */
const BARRELS = new Set(['protocol/index.ts', 'index.ts']);
const BANNED_NAMES = /(^|\/)(utils?|common|helpers?|types)(\/|\.ts$)/;
const BARE_OF_NEST = /^(@nestjs\/|ws$|node:net$|node:http|rxjs)/;

/** Returns every breach of the rules of the house, each as one sentence; none where the tree is honest. */
export function breaches(tree: Tree): string[] {
  const environmentReaders = [...tree].filter(([, text]) => text.includes('process.env')).map(([path]) => path);
  return [
    ...[...tree].flatMap(([path, text]) => fileBreaches(path, text)),
    ...(environmentReaders.length > 1 ? [`process.env stands in ${environmentReaders.join(' and ')}`] : []),
  ];
}

function fileBreaches(path: string, text: string): string[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const lines = text.trimEnd().split('\n').length;
  return [
    ...(lines > MAX_LINES ? [`${path} has ${lines} lines`] : []),
    ...(BANNED_NAMES.test(path) ? [`${path} is named for nothing`] : []),
    ...(path.endsWith('index.ts') && !BARRELS.has(path) ? [`${path} is a barrel`] : []),
    ...(path.includes('/') && !(folderOf(path) in RANKS) ? [`${path} is in a room that the design does not know`] : []),
    ...importsOf(source).flatMap((each) => importBreach(path, each)),
    ...nodeBreaches(path, source),
  ];
}

function importBreach(path: string, { name, ofTypes }: Import): string[] {
  const from = folderOf(path);
  if (!name.startsWith('.') && from === 'client') return [`${path} imports ${name}: the client depends on nothing`];
  if (!name.startsWith('.'))
    return from === 'protocol' && BARE_OF_NEST.test(name)
      ? [`${path} imports ${name}: the wire knows no framework`]
      : [];
  const target = new URL(name, `file:///${path}`).pathname.slice(1);
  const to = folderOf(target);
  if (to === 'handlers' && from !== 'handlers' && path !== 'app.module.ts') return [`${path} imports from handlers/`];
  if (ROOT_FILES.has(path) || from === to) return [];
  if (from === 'client' && to === 'protocol' && ofTypes) return [];
  const [fromRank, toRank] = [RANKS[from] ?? -1, RANKS[to] ?? Number.POSITIVE_INFINITY];
  return toRank < fromRank ? [] : [`${path} imports ${target}: ${from} may not know ${to || 'the root'}`];
}

interface Import {
  readonly name: string;
  /** Nothing of it is left in what runs. */
  readonly ofTypes: boolean;
}

/** What a file imports or exports from, statically, by `import()` or in a type. */
function importsOf(source: ts.SourceFile): Import[] {
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    const specifier = specifierOf(node);
    if (specifier !== undefined && ts.isStringLiteralLike(specifier))
      found.push({ name: specifier.text, ofTypes: isOfTypes(node) });
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

function isOfTypes(node: ts.Node): boolean {
  if (ts.isImportTypeNode(node)) return true;
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  return ts.isImportDeclaration(node) && node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
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
