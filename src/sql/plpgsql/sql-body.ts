/** Bodies in plain SQL: their statements, and the names of the arguments in them. A column's name comes before an argument's. */
import type { Routine } from '../catalog/descriptor.js';
import type { ParsedStatement } from '../contract.js';
import { parseSql } from '../parse/parser.js';
import { nextToken } from '../parse/tokens.js';
import { inputsOf } from '../plan/routines.js';
import { fieldsOf } from '../types/user-types.js';
import type { VariableNames, VariableReference } from '../plan/variables.js';

/** The statements of a body: of a text, or of RETURN … and BEGIN ATOMIC … END. Positions are those in the body. */
export function sqlStatements(body: string): readonly ParsedStatement[] {
  const first = nextToken(body, 0);
  if (first?.kind === 'word' && first.text === 'return') return parseSql(`SELECT${body.slice(first.end)}`);
  const second = first === null ? null : nextToken(body, first.end);
  if (first?.text !== 'begin' || second?.text !== 'atomic') return parseSql(body);
  const end = /\bend\s*;?\s*$/i.exec(body);
  return parseSql(' '.repeat(second.end) + withoutReturns(body.slice(second.end, end?.index ?? body.length)));
}

/** The statements that run: from their trees, if the routine has these. */
export function bodyStatements({ trees, body }: Pick<Routine, 'trees' | 'body'>): readonly ParsedStatement[] {
  if (trees === undefined) return sqlStatements(body);
  return trees.map((tree) => {
    const node = JSON.parse(tree) as ParsedStatement['node'];
    const kind = Object.keys(node)[0]!;
    return { node, kind, text: body, textOffset: 0, parameterCount: 0, asOfSystemTime: null };
  });
}

/** RETURN is a statement in such a body alone; SELECT means the same and is as long. */
function withoutReturns(statements: string): string {
  let text = statements;
  let begins = true;
  for (let t = nextToken(text, 0); t !== null; t = nextToken(text, t.end)) {
    if (begins && t.kind === 'word' && t.text === 'return')
      text = `${text.slice(0, t.start)}SELECT${text.slice(t.end)}`;
    begins = text.slice(t.start, t.end) === ';';
  }
  return text;
}

export class ArgumentNames implements VariableNames {
  readonly conflict = 'column';
  readonly pinned: Routine | undefined;
  readonly collation: string | undefined;
  readonly #name: string;
  readonly #names: readonly string[];
  readonly #types: readonly number[];

  constructor(name: string, routine: Routine, types: readonly number[]) {
    this.collation = routine.inputCollation;
    this.pinned = routine.trees === undefined ? undefined : routine;
    this.#name = name;
    this.#names = inputsOf(routine).map((p) => p.name);
    this.#types = types;
  }

  begin(): void {
    return undefined;
  }
  has(): boolean {
    return false;
  }

  find(names: readonly string[]): VariableReference | null {
    const parts = names.length >= 2 && names[0] === this.#name && !this.#hasPart(names) ? names.slice(1) : names;
    if (parts.length > 2) return null;
    const [name, part] = parts as [string, string | undefined];
    if (part !== undefined && !this.#hasPart(parts)) return null;
    const index = /^\$\d+$/.test(name) ? Number(name.slice(1)) - 1 : this.#names.indexOf(name);
    const oid = this.#types[index];
    if (index < 0 || name === '' || oid === undefined) return null;
    return { kind: 'value', value: { name, index, oid, typmod: -1 }, ...(part === undefined ? {} : { part }) };
  }

  /** x.a for an argument x that is composite and has a field a. */
  #hasPart([name, part]: readonly string[]): boolean {
    const fields = fieldsOf(this.#types[this.#names.indexOf(name!)] ?? 0);
    return name !== '' && fields !== null && fields.some((f) => f.name === part);
  }
}
