/**
 * Size limits with a ratchet: `ratchet.json` lists the offenders with their sizes. They may shrink,
 * nothing may be added. After making one smaller run with QUORAL_RATCHET=write to record it; the
 * same adds offenders, which a review should not let pass without a reason.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { isGenerated, ROOT, sources, visit, type SourceFile } from './source.js';

const FILE_LINES_MAX = 600;
const FUNCTION_LINES_MAX = 90;
/** Tables of facts, one entry a line: their length says nothing about how hard they are to read. */
const TABLES: ReadonlySet<string> = new Set(['src/sql/functions/oid-table.ts']);
const RATCHET = join(ROOT, 'test/tidy/ratchet.json');

function functionName(node: ts.Node): string {
  if (ts.isConstructorDeclaration(node)) return `${className(node)}.constructor`;
  if ((ts.isMethodDeclaration(node) || ts.isAccessor(node)) && node.name !== undefined)
    return `${className(node)}.${node.name.getText()}`;
  if (ts.isFunctionDeclaration(node) && node.name !== undefined) return node.name.text;
  const { parent } = node;
  if (
    (ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent) || ts.isPropertyDeclaration(parent)) &&
    parent.name !== undefined
  )
    return parent.name.getText();
  return 'anonymous';
}

function className(node: ts.Node): string {
  const { parent } = node;
  return (ts.isClassDeclaration(parent) || ts.isClassExpression(parent)) && parent.name !== undefined
    ? parent.name.text
    : 'object';
}

function offendersIn(file: SourceFile): Record<string, number> {
  const found: Record<string, number> = {};
  const lines = file.text.split('\n').length - 1;
  if (lines > FILE_LINES_MAX && !TABLES.has(file.path)) found[file.path] = lines;
  visit(file.tree, (node) => {
    if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return;
    const start = file.tree.getLineAndCharacterOfPosition(node.getStart(file.tree)).line;
    const end = file.tree.getLineAndCharacterOfPosition(node.getEnd()).line;
    const length = end - start + 1;
    if (length <= FUNCTION_LINES_MAX) return;
    const name = `${file.path}#${functionName(node)}`;
    found[name] = Math.max(found[name] ?? 0, length);
  });
  return found;
}

describe('limits', () => {
  it(`files have at most ${FILE_LINES_MAX} lines and functions at most ${FUNCTION_LINES_MAX}, but for a list that only shrinks`, () => {
    const measured: Record<string, number> = {};
    for (const file of sources()) if (!isGenerated(file)) Object.assign(measured, offendersIn(file));
    if (process.env['QUORAL_RATCHET'] === 'write') {
      writeFileSync(RATCHET, `${JSON.stringify(Object.fromEntries(Object.entries(measured).sort()), null, 2)}\n`);
    }
    const listed = JSON.parse(readFileSync(RATCHET, 'utf8')) as Record<string, number>;
    const problems: string[] = [];
    for (const [name, size] of Object.entries(measured)) {
      const limit = name.includes('#') ? FUNCTION_LINES_MAX : FILE_LINES_MAX;
      if (listed[name] === undefined) problems.push(`${name} has ${size} lines; the limit is ${limit}`);
      else if (size > listed[name])
        problems.push(`${name} has grown from ${listed[name]} to ${size} lines; the limit is ${limit}`);
    }
    for (const name of Object.keys(listed)) {
      if (measured[name] === undefined)
        problems.push(`${name} is within the limit now: take it out of test/tidy/ratchet.json`);
    }
    expect(problems, problems.join('\n')).toEqual([]);
  });
});
