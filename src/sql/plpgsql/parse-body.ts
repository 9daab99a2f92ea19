/** Reads a PL/pgSQL body as a whole. */
import { QuoralError, sqlError } from '../../base/errors.js';
import { blockLabel, parseBlock } from './parse-block.js';
import { parseStatements } from './parse-statements.js';
import { declare, type Parsing, type ReturnShape } from './parsing.js';
import { Reader } from './reader.js';
import type { Block, Variable } from './tree.js';

/** Which one is meant where a name is a variable's and a column's. */
export type NameConflict = 'error' | 'variable' | 'column';

export interface ParsedBody {
  readonly block: Block;
  readonly variables: readonly Variable[];
  /** null: as the settings say. */
  readonly conflict: NameConflict | null;
  readonly printStrict: boolean | null;
}

export interface BodyOptions {
  readonly text: string;
  /** Label of the scope in which the arguments are. */
  readonly functionName: string;
  readonly returns: ReturnShape;
  /** Makes the variables of the arguments; their names are added to the outermost scope. */
  /** Told of declarations that hide a variable further out. */
  readonly shadowed?: Parsing['shadowed'];
  readonly parameters?: (make: (name: string, oid: number) => Variable) => ReadonlyMap<string, Variable>;
}

/** Its place in every frame. */
export const FOUND_INDEX = 0;
const BOOL = 16;

/** @throws QuoralError 42601 and others; a position is one in the body */
export function parseBody(options: BodyOptions): ParsedBody {
  const variables: Variable[] = [];
  const found = declare({ variables }, 'found', { kind: 'given', oid: BOOL }, 0);
  const names = new Map<string, Variable>([['found', found]]);
  const parameters = options.parameters?.((name, oid) => declare({ variables }, name, { kind: 'given', oid }, 0));
  if (parameters !== undefined) for (const [name, variable] of parameters) names.set(name, variable);
  const p: Parsing = {
    reader: new Reader(options.text),
    scope: { kind: 'function', label: options.functionName, names, parent: null },
    variables,
    returns: options.returns,
    depth: 0,
    shadowed: options.shadowed ?? (() => undefined),
    statements: parseStatements,
  };
  return placed(p.reader, options.functionName, () => {
    const said = directives(p.reader);
    const label = blockLabel(p.reader);
    const block = parseBlock(p, label);
    p.reader.accept(';');
    if (!p.reader.atEnd()) throw p.reader.unexpected();
    return { block, variables, ...said };
  });
}

/** What is wrong without a place of its own is so at the next token. */
function placed<T>(reader: Reader, name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof QuoralError)) throw error;
    const { fields } = error;
    if (fields.position !== undefined || fields.internalQuery !== undefined || error.sqlstate === '54001') throw error;
    // One that says that it has none is told with the line that was read last.
    if ('position' in fields) {
      const where = `compilation of PL/pgSQL function "${name}" near line ${reader.line(Math.max(reader.at - 1, 0))}`;
      throw sqlError(error.sqlstate, error.message, { ...fields, where });
    }
    const at = reader.peek().start;
    throw sqlError(error.sqlstate, error.message, {
      ...error.fields,
      position: at < 0 ? reader.text.length + 1 : at + 1,
    });
  }
}

function directives(reader: Reader): Pick<ParsedBody, 'conflict' | 'printStrict'> {
  let conflict: NameConflict | null = null;
  let printStrict: boolean | null = null;
  while (reader.accept('#')) {
    const name = reader.name();
    const token = reader.peek();
    const value = reader.name();
    if (name === 'variable_conflict' && /^(error|use_variable|use_column)$/.test(value))
      conflict = value.replace('use_', '') as NameConflict;
    else if (name === 'print_strict_params') {
      if (value === 'begin' || value === 'declare') throw reader.unexpected(token);
      if (!/^(on|off)$/.test(value))
        throw sqlError('XX000', `unrecognized print_strict_params option ${value}`, { position: undefined });
      printStrict = value === 'on';
    } else if (name !== 'option') throw reader.unexpected();
  }
  return { conflict, printStrict };
}
