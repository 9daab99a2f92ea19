/**
 * Type-checks sources, tests and benchmarks, and finds floating promises with the same program:
 * a promise in statement position that is neither awaited, nor handled by `catch`, nor marked `void`
 * would turn a failure into silence. (The linter has no such rule without a second type checker.)
 */
import { relative } from 'node:path';
import ts from 'typescript';

const CONFIG = 'tsconfig.test.json';

const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: fail };
const parsed = ts.getParsedCommandLineOfConfigFile(CONFIG, { noEmit: true, incremental: false }, host);
const program = ts.createProgram({ rootNames: parsed.fileNames, options: parsed.options });
const checker = program.getTypeChecker();

const diagnostics = [...parsed.errors, ...ts.getPreEmitDiagnostics(program)];
if (diagnostics.length > 0) {
  process.stdout.write(
    ts.formatDiagnostics(diagnostics, {
      getCanonicalFileName: (name) => name,
      getCurrentDirectory: ts.sys.getCurrentDirectory,
      getNewLine: () => '\n',
    }),
  );
}

function fail(diagnostic) {
  process.stdout.write(`${ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')}\n`);
  process.exit(1);
}

/** The rejection is dealt with: `….catch(f)` or `….then(f, g)`. */
function isHandled(expression) {
  if (!ts.isCallExpression(expression) || !ts.isPropertyAccessExpression(expression.expression)) return false;
  const method = expression.expression.name.text;
  if (method === 'catch') return expression.arguments.length > 0;
  if (method === 'then') return expression.arguments.length > 1;
  return method === 'finally' && isHandled(expression.expression.expression);
}

function isPromise(expression) {
  const type = checker.getTypeAtLocation(expression);
  const members = type.isUnion() ? type.types : [type];
  return members.some((member) => {
    const then = member.getProperty('then');
    if (then === undefined || (member.flags & ts.TypeFlags.Any) !== 0) return false;
    return checker.getTypeOfSymbol(then).getCallSignatures().length > 0;
  });
}

let floating = 0;
function visit(file, node) {
  if (ts.isExpressionStatement(node)) {
    let { expression } = node;
    while (ts.isParenthesizedExpression(expression)) ({ expression } = expression);
    const candidate =
      ts.isCallExpression(expression) || ts.isNewExpression(expression) || ts.isConditionalExpression(expression);
    if (candidate && !isHandled(expression) && isPromise(expression)) {
      const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
      process.stdout.write(
        `${relative('.', file.fileName)}:${line + 1}: floating promise: await it, handle its failure, or mark it void\n`,
      );
      floating++;
    }
  }
  node.forEachChild((child) => visit(file, child));
}
for (const file of program.getSourceFiles()) {
  if (!file.isDeclarationFile && !file.fileName.includes('/node_modules/')) visit(file, file);
}

process.exit(diagnostics.length + floating > 0 ? 1 : 0);
