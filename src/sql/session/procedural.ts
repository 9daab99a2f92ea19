/** DO: an anonymous block, run once. */
import { sqlError } from '../../base/errors.js';
import type { Routine } from '../catalog/descriptor.js';
import type { ParsedStatement } from '../contract.js';
import { PieceStore } from '../plpgsql/evaluation.js';
import { bodyRules } from '../plpgsql/extra-checks.js';
import { Frame } from '../plpgsql/frame.js';
import { Interpreter } from '../plpgsql/interpreter.js';
import { parseBody } from '../plpgsql/parse-body.js';
import { CallResult, type ResultType } from '../plpgsql/result.js';
import type { SqlHost } from '../plpgsql/host.js';
import type { ResultSink } from '../session-api.js';
import { OID } from '../types/oids.js';
import { inLiteral } from '../parse/body-position.js';
import { InnerSql } from './inner-sql.js';
import type { Session } from './session.js';
import { resolveTypes } from './variable-types.js';
import { bodyOf } from './statement-kinds.js';
import { list } from './tree.js';
import type { Loose } from './tree.js';
import type { Savepoint } from '../../txn/kv-txn.js';

const NOTHING: ResultType = {
  set: false,
  oid: OID.void,
  typmod: -1,
  fields: null,
  out: null,
  isVoid: true,
  exact: true,
};
const INLINE = 'inline_code_block';
/** Blocks and functions inside each other. */
const DEPTH_MAX = 200;

export interface BlockOptions {
  readonly depth: number;
  /** COMMIT and ROLLBACK end the session's transaction. */
  readonly mayEnd: boolean;
}

/** Runs the statement; its tag. */
export async function runBlock(
  session: Session,
  statement: ParsedStatement,
  sink: Pick<ResultSink, 'slow'>,
  { depth, mayEnd }: BlockOptions,
): Promise<string> {
  if (depth > DEPTH_MAX) throw sqlError('54001', 'stack depth limit exceeded');
  const { language, text, location } = inlineCode(bodyOf(statement));
  if (language === 'sql') throw sqlError('0A000', 'language "sql" does not support inline code execution');
  if (language !== 'plpgsql') throw sqlError('42704', `language "${language}" does not exist`);
  await session.roles.checkLanguage(language);
  const returns = { kind: 'void', outParameters: false } as const;
  const body = inLiteral(statement, location, () => parseBody({ text, functionName: INLINE, returns }));
  const host: SqlHost = new InnerSql(session, { own: true, mayWrite: true, mayEnd, sink }, (inner, ends) =>
    runBlock(session, inner, sink, { depth: depth + 1, mayEnd: ends }),
  );
  const types = await resolveTypes(body.variables, host);
  const memory = session.newMemory();
  try {
    const frame = new Frame(types, (bytes) => (bytes > 0 ? memory.grow(bytes) : memory.shrink(-bytes)));
    const result = new CallResult(NOTHING, memory, host);
    const store = new PieceStore(bodyRules(body, (name) => host.setting(name)));
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

/** For a function that a query calls: its statements are the query's, and its notices wait for nobody. */
export function routineHost(session: Session, routine: Routine, mayEnd: boolean, before: Savepoint | null): SqlHost {
  const sink = { slow: () => null };
  const mayWrite = routine.volatility === 'volatile';
  const options = { own: mayEnd, mayWrite, mayEnd, sink, before: mayWrite ? null : before };
  return new InnerSql(session, options, (inner, ends) => runBlock(session, inner, sink, { depth: 1, mayEnd: ends }));
}
