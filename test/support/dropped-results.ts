import { relative } from 'node:path';
import ts from 'typescript';

/**
 * Returns the statements that drop a verdict of a function of this project: a boolean, or one of several words. A verdict
 * says that something did not happen, so a caller must look at it, or drop it with `void` and a reason.
 */
export function droppedResults(folder: string, files: readonly string[], options: ts.CompilerOptions): string[] {
  const program = ts.createProgram([...files], { ...options, noEmit: true });
  const checker = program.getTypeChecker();
  const found: string[] = [];
  for (const source of program.getSourceFiles()) {
    if (!source.fileName.startsWith(folder)) continue;
    const visit = (node: ts.Node): void => {
      if (ts.isExpressionStatement(node) && ts.isCallExpression(node.expression)) check(node.expression);
      ts.forEachChild(node, visit);
    };
    const check = (call: ts.CallExpression): void => {
      const signature = checker.getResolvedSignature(call);
      const declaration = signature?.declaration;
      if (declaration === undefined || !declaration.getSourceFile().fileName.startsWith(folder)) return;
      if (!isVerdict(checker.getReturnTypeOfSignature(signature!))) return;
      const { line } = source.getLineAndCharacterOfPosition(call.getStart());
      found.push(`${relative(folder, source.fileName)}:${line + 1} drops the result of ${call.expression.getText()}`);
    };
    visit(source);
  }
  return found;
}

/** Whether a type says yes or no: a boolean, or at least one word. */
function isVerdict(type: ts.Type): boolean {
  const types = type.isUnion() ? type.types : [type];
  return types.some(({ flags }) => (flags & (ts.TypeFlags.BooleanLike | ts.TypeFlags.StringLiteral)) !== 0);
}
