import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { importsOf, isGenerated, lineOf, sources, visit, type SourceFile } from './source.js';

const BANNED_GLOBALS = new Set([
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
  'performance',
  'WeakRef',
  'FinalizationRegistry',
  'fetch',
  'WebSocket',
  'crypto',
  'console',
  'process',
  'navigator',
]);
const BANNED_MEMBERS = new Set([
  'Date.now',
  'Math.random',
  'globalThis.crypto',
  'globalThis.process',
  'AbortSignal.timeout',
]);
const BANNED_MODULES = new Set([
  'fs',
  'fs/promises',
  'net',
  'tls',
  'dgram',
  'dns',
  'dns/promises',
  'http',
  'https',
  'http2',
  'timers',
  'timers/promises',
  'perf_hooks',
  'child_process',
  'cluster',
  'worker_threads',
  'os',
  'process',
  'readline',
  'readline/promises',
  'repl',
  'tty',
  'inspector',
  'v8',
  'vm',
  'async_hooks',
]);
const CRYPTO_RANDOM = /^(random|getRandom|generate|\*)/;
const BANNED_PACKAGES = new Set(['@grpc/grpc-js']);

interface Exception {
  readonly path: RegExp;
  readonly allows: readonly string[];
  readonly reason: string;
}
const EXCEPTIONS: readonly Exception[] = [
  {
    path: /^src\/storage\/(rocksdb[^/]*|log-writer[^/]*)$/,
    allows: ['worker_threads'],
    reason: 'The RocksDB engine syncs its log in a worker thread (DESIGN 4); the simulator uses the in-memory engine.',
  },
  {
    path: /^src\/cli\//,
    allows: ['process', 'child_process', 'readline', 'readline/promises', 'tty'],
    reason:
      'The command line is the process boundary: arguments, signals, standard streams, the supervisor of demo nodes.',
  },
];

function allowed(path: string, what: string): boolean {
  return EXCEPTIONS.some((exception) => exception.path.test(path) && exception.allows.includes(what));
}

/** The identifier stands for the global, not for a property, a declaration or a type's member. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isQualifiedName(parent)) return false;
  const declares = 'name' in parent && parent.name === node && !ts.isShorthandPropertyAssignment(parent);
  return (
    !declares &&
    !ts.isImportSpecifier(parent) &&
    !ts.isBindingElement(parent) &&
    !ts.isTypeReferenceNode(parent) &&
    !ts.isTypeQueryNode(parent)
  );
}

/** Names that the file declares itself (a parameter called `process`, say). */
function declaredNames(file: SourceFile): Set<string> {
  const names = new Set<string>();
  visit(file.tree, (node) => {
    if (
      (ts.isVariableDeclaration(node) ||
        ts.isParameter(node) ||
        ts.isBindingElement(node) ||
        ts.isFunctionDeclaration(node) ||
        ts.isImportSpecifier(node)) &&
      node.name !== undefined &&
      ts.isIdentifier(node.name)
    ) {
      names.add(node.name.text);
    }
  });
  return names;
}

function moduleProblem(path: string, specifier: string, names: readonly string[]): string | null {
  const module = specifier.replace(/^node:/, '');
  if (BANNED_PACKAGES.has(specifier)) return specifier;
  if (module === 'crypto') {
    const random = names.filter((name) => CRYPTO_RANDOM.test(name));
    return random.length === 0 ? null : `${specifier} (${random.join(', ')})`;
  }
  return BANNED_MODULES.has(module) && !allowed(path, module) ? specifier : null;
}

function problems(file: SourceFile): string[] {
  const found: string[] = [];
  const report = (node: ts.Node, what: string): void =>
    void found.push(`${file.path}:${lineOf(file, node)} uses ${what}`);
  for (const { specifier, names, line } of importsOf(file)) {
    const problem = moduleProblem(file.path, specifier, names);
    if (problem !== null) found.push(`${file.path}:${line} imports ${problem}`);
  }
  const own = declaredNames(file);
  visit(file.tree, (node) => {
    if (
      ts.isNewExpression(node) &&
      ts.isIdentifier(node.expression) &&
      node.expression.text === 'Date' &&
      (node.arguments?.length ?? 0) === 0
    )
      report(node, 'new Date()');
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'Date')
      report(node, 'Date()');
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
      const member = `${node.expression.text}.${node.name.text}`;
      if (BANNED_MEMBERS.has(member)) report(node, member);
    }
    if (
      ts.isIdentifier(node) &&
      BANNED_GLOBALS.has(node.text) &&
      isReference(node) &&
      !own.has(node.text) &&
      !allowed(file.path, node.text)
    ) {
      report(node, node.text);
    }
  });
  return found;
}

function fromText(text: string, path = 'src/txn/example.ts'): SourceFile {
  return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true) };
}

describe('determinism', () => {
  it('finds what is banned and lets the rest pass', () => {
    const bad = [
      'Date.now()',
      'new Date()',
      'Date()',
      'setTimeout(f, 1)',
      'const t = setImmediate;',
      'Math.random()',
      'performance.now()',
      'process.hrtime()',
      'import fs from "node:fs";',
      'import { randomBytes } from "node:crypto";',
      'const m = await import("net");',
      'crypto.randomUUID()',
      'new WeakRef(x)',
      'console.log(1)',
    ];
    for (const text of bad) expect(problems(fromText(text)), text).toHaveLength(1);
    const good = [
      'new Date(5)',
      'timers.setTimeout(f)',
      '// Date.now()',
      '"Math.random()"',
      'import { createHash } from "node:crypto";',
      'queueMicrotask(f)',
      'const x = { process: 1 };',
      'interface A { performance: number }',
      'function f(process: number) { return process; }',
      'import { join } from "node:path";',
    ];
    for (const text of good) expect(problems(fromText(text)), text).toEqual([]);
    expect(problems(fromText('process.exit(1)', 'src/cli/main.ts'))).toEqual([]);
  });

  it('real time, timers, randomness and I/O stay in src/env/node', () => {
    const found = sources()
      .filter((file) => !file.path.startsWith('src/env/node/') && !isGenerated(file))
      .flatMap(problems);
    expect(found, found.join('\n')).toEqual([]);
  });
});
