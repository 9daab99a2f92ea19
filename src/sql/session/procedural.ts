/** DO: an anonymous block, run once. */
import { sqlError } from '../../base/errors.js';
import type { ParsedStatement } from '../contract.js';
import { PieceStore } from '../plpgsql/evaluation.js';
import { Frame } from '../plpgsql/frame.js';
import { Interpreter } from '../plpgsql/interpreter.js';
import { parseBody } from '../plpgsql/parse-body.js';
import { CallResult, type ResultType } from '../plpgsql/result.js';
import type { Variable } from '../plpgsql/tree.js';
import { resolveType, type VariableType } from '../plpgsql/types.js';
import type { SqlHost } from '../plpgsql/host.js';
import type { ResultSink } from '../session-api.js';
import { OID } from '../types/oids.js';
import { inLiteral } from './body-position.js';
import { InnerSql } from './inner-sql.js';
import type { Session } from './session.js';
import { bodyOf } from './statement-kinds.js';
import { list } from './tree.js';
import type { Loose } from './tree.js';

const NOTHING: ResultType = { set: false, oid: OID.void, typmod: -1, fields: null, out: null, isVoid: true };
const INLINE = 'inline_code_block';
/** Blocks and functions inside each other. */
const DEPTH_MAX = 200;

/** Runs the statement; its tag. */
export async function runBlock(
  session: Session,
  statement: ParsedStatement,
  sink: Pick<ResultSink, 'slow'>,
  depth = 0,
): Promise<string> {
  if (depth > DEPTH_MAX) throw sqlError('54001', 'stack depth limit exceeded');
  const { language, text, location } = inlineCode(bodyOf(statement));
  if (language === 'sql') throw sqlError('0A000', 'language "sql" does not support inline code execution');
  if (language !== 'plpgsql') throw sqlError('42704', `language "${language}" does not exist`);
  const returns = { kind: 'void', outParameters: false } as const;
  const body = inLiteral(statement, location, () => parseBody({ text, functionName: INLINE, returns }));
  const host: SqlHost = new InnerSql(session, { own: true, mayWrite: true, sink }, (inner) =>
    runBlock(session, inner, sink, depth + 1),
  );
  const types = await resolveTypes(body.variables, host);
  const memory = session.newMemory();
  try {
    const frame = new Frame(types, (bytes) => (bytes > 0 ? memory.grow(bytes) : memory.shrink(-bytes)));
    const result = new CallResult(NOTHING, memory, session.format);
    const store = new PieceStore(body.conflict);
    await new Interpreter({ host, frame, store, result, name: INLINE }).run(body.block);
  } finally {
    memory.close();
  }
  return 'DO';
}

function inlineCode(body: Loose): { readonly language: string; readonly text: string; readonly location: number } {
  let language = 'plpgsql';
  let location = 0;
  let text: string | null = null;
  for (const node of list(body['args'])) {
    const element = node['DefElem'] as Loose;
    const value = String(((element['arg'] as Loose)['String'] as Loose)['sval'] ?? '');
    if (element['defname'] === 'language') language = value.toLowerCase();
    else if (element['defname'] === 'as') {
      text = value;
      location = Number(element['location'] ?? 0);
    }
  }
  if (text === null) throw sqlError('42601', 'no inline code specified');
  return { language, text, location };
}

/** Of the variables in their order: a type may be that of a variable before. */
export async function resolveTypes(variables: readonly Variable[], host: SqlHost): Promise<VariableType[]> {
  const types: VariableType[] = [];
  for (const variable of variables) {
    const known = (names: readonly string[]): VariableType | null => {
      const earlier =
        names.length === 1 ? variables.slice(0, types.length).findLast((v) => v.name === names[0]) : undefined;
      return earlier === undefined ? null : types[earlier.index]!;
    };
    types.push(await resolveType(variable.type, host.types, known));
  }
  return types;
}
