/** Reads and parses the project's sources once for the tidy tests. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';

export const ROOT = resolve(import.meta.dirname, '../..');

export interface SourceFile {
  /** Relative to the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

export interface ImportOf {
  /** As written. */
  readonly specifier: string;
  /** The file it names, relative to the repository; null for packages. */
  readonly target: string | null;
  /** Imported names, where they are listed. */
  readonly names: readonly string[];
  readonly line: number;
}

function walk(folder: string, out: string[]): string[] {
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) walk(path, out);
    else if (/\.(ts|mjs|js)$/.test(name) && !name.endsWith('.d.ts')) out.push(path);
  }
  return out;
}

let cache: readonly SourceFile[] | null = null;

export function sources(): readonly SourceFile[] {
  cache ??= walk(join(ROOT, 'src'), []).map((absolute) => {
    const text = readFileSync(absolute, 'utf8');
    return {
      path: relative(ROOT, absolute).replaceAll('\\', '/'),
      text,
      tree: ts.createSourceFile(absolute, text, ts.ScriptTarget.ES2022, true),
    };
  });
  return cache;
}

export function isGenerated(file: SourceFile): boolean {
  return file.path.startsWith('src/encoding/proto/') || file.text.slice(0, 400).includes('DO NOT EDIT');
}

export function lineOf(file: SourceFile, node: ts.Node): number {
  return file.tree.getLineAndCharacterOfPosition(node.getStart(file.tree)).line + 1;
}

export function visit(node: ts.Node, fn: (node: ts.Node) => void): void {
  fn(node);
  node.forEachChild((child) => visit(child, fn));
}

/** Static, re-exporting, type-only and dynamic imports alike. */
export function importsOf(file: SourceFile): ImportOf[] {
  const found: ImportOf[] = [];
  const add = (literal: ts.Node, names: readonly string[]): void => {
    if (!ts.isStringLiteralLike(literal)) return;
    const specifier = literal.text;
    const target = specifier.startsWith('.')
      ? relative(ROOT, resolve(ROOT, dirname(file.path), specifier))
          .replaceAll('\\', '/')
          .replace(/\.js$/, '.ts')
      : null;
    found.push({ specifier, target, names, line: lineOf(file, literal) });
  };
  visit(file.tree, (node) => {
    if (ts.isImportDeclaration(node)) {
      const bindings = node.importClause?.namedBindings;
      const names =
        bindings !== undefined && ts.isNamedImports(bindings)
          ? bindings.elements.map((e) => (e.propertyName ?? e.name).text)
          : ['*'];
      add(node.moduleSpecifier, names);
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      add(node.moduleSpecifier, ['*']);
    } else if (
      ts.isCallExpression(node) &&
      node.expression.kind === ts.SyntaxKind.ImportKeyword &&
      node.arguments[0] !== undefined
    ) {
      add(node.arguments[0], ['*']);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, ['*']);
    }
  });
  return found;
}
