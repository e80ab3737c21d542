import { relative } from 'node:path';
import ts from 'typescript';

const LOGICAL: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.AmpersandAmpersandToken,
  ts.SyntaxKind.BarBarToken,
  ts.SyntaxKind.QuestionQuestionToken,
]);

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
      if (ts.isExpressionStatement(node)) for (const call of droppedCalls(node.expression)) check(call);
      if (ts.isForStatement(node) && node.incrementor !== undefined)
        for (const call of droppedCalls(node.incrementor)) check(call);
      if (ts.isArrowFunction(node) && !ts.isBlock(node.body) && returnsNothing(node))
        for (const call of droppedCalls(node.body)) check(call);
      ts.forEachChild(node, visit);
    };
    /** Whether the caller of a function expects no result of it. */
    const returnsNothing = (arrow: ts.ArrowFunction): boolean =>
      (checker.getContextualType(arrow)?.getCallSignatures() ?? []).some(
        (signature) => (checker.getReturnTypeOfSignature(signature).flags & ts.TypeFlags.Void) !== 0,
      );
    const check = (call: ts.CallExpression): void => {
      const signature = checker.getResolvedSignature(call);
      const declaration = signature?.declaration;
      if (declaration === undefined || !declaration.getSourceFile().fileName.startsWith(folder)) return;
      const type = checker.getReturnTypeOfSignature(signature!);
      if (!isVerdict(checker.getAwaitedType(type) ?? type)) return;
      const { line } = source.getLineAndCharacterOfPosition(call.getStart());
      found.push(`${relative(folder, source.fileName)}:${line + 1} drops the result of ${call.expression.getText()}`);
    };
    visit(source);
  }
  return found;
}

/** Returns the calls whose result is the result of an expression, or of a part of it that is used for nothing else. */
function droppedCalls(expression: ts.Expression): ts.CallExpression[] {
  if (ts.isCallExpression(expression)) return [expression];
  if (
    ts.isAwaitExpression(expression) ||
    ts.isParenthesizedExpression(expression) ||
    ts.isNonNullExpression(expression)
  )
    return droppedCalls(expression.expression);
  if (ts.isConditionalExpression(expression))
    return [...droppedCalls(expression.whenTrue), ...droppedCalls(expression.whenFalse)];
  if (!ts.isBinaryExpression(expression)) return [];
  const { left, operatorToken, right } = expression;
  if (operatorToken.kind === ts.SyntaxKind.CommaToken) return [...droppedCalls(left), ...droppedCalls(right)];
  return LOGICAL.has(operatorToken.kind) ? droppedCalls(right) : [];
}

/** Whether a type says yes or no: a boolean, or at least one word. */
function isVerdict(type: ts.Type): boolean {
  const types = type.isUnion() ? type.types : [type];
  return types.some(({ flags }) => (flags & (ts.TypeFlags.BooleanLike | ts.TypeFlags.StringLiteral)) !== 0);
}
