/**
 * What follows from a refusal, proved: PostgreSQL runs the scripts again with every statement that only our server
 * refuses replaced by one that fails there too, and whatever then gives our answer differed for no other reason.
 *
 * What fails here alone may itself follow from an earlier refusal, so statements are replaced in stages, with a run of
 * all scripts after each: what 0A000 refuses, then other errors but those about what is not there, then those too. A
 * stage is repeated until it finds nothing more; so each statement is replaced as late as can be, and what fails on
 * PostgreSQL by itself once the others are replaced never is. For the same end what names a thing that another of the
 * same stage and script would have made waits for the next run.
 *
 * Limits: a backslash command is not replaced, but for \copy; of several statements sent as one (\;) all are; what was
 * done before the error by one that is no transaction (CALL, \gexec) is not done on PostgreSQL.
 */
import { namesIn, namesMadeBy } from './classify.js';
import { ABORTED, UNDEFINED, errorOf } from './compare.js';
import type { Outcome } from './psql.js';
import type { Statement } from './split.js';

export const STAGES = 3;

/** Fails on any server, whatever is in the database and whoever asks, and not before a transaction block's own error. */
const FAILS = "SELECT CAST('refused' AS pg_catalog.int4);";
/** Ends the transaction block also where it fails. */
const ENDS = /^(?:commit|end|prepare\s+transaction)\b/i;
const REPLACED = /^(?:[^\\]|\\copy\b)/i;

/** Refused here, for another reason than its block's, and carried out there. */
export function failsAlone({ text }: Statement, there: Outcome, here: Outcome): boolean {
  const message = errorOf(here);
  return message !== null && !message.startsWith(ABORTED) && errorOf(there) === null && REPLACED.test(text);
}

/** The numbers of the statements that a stage (from 0) replaces. */
export function refusedAlone(
  statements: readonly Statement[],
  there: readonly Outcome[],
  here: readonly Outcome[],
  stage: number,
): number[] {
  const made = new Set<string>();
  return statements.flatMap((statement, i) => {
    if (!failsAlone(statement, there[i]!, here[i]!) || stage < stageOf(here[i]!.sqlstate ?? '')) return [];
    const waits = stage > 0 && namesIn(statement.text).some((name) => made.has(name));
    for (const name of namesMadeBy(statement.text)) made.add(name);
    return waits ? [] : [i];
  });
}

function stageOf(sqlstate: string): number {
  return sqlstate === '0A000' ? 0 : UNDEFINED.has(sqlstate) ? 2 : 1;
}

/** The statement's source for a server that is to refuse it as ours did (`here`). */
export function failing({ source, text, textAt }: Statement, here: Outcome): string {
  const rest = source.slice(textAt + text.length);
  // COPY that was refused at once leaves psql to read the data as statements; one that failed later has had them.
  const keepsRest = !/^copy\b/i.test(text) || !here.lines.some((line) => /^CONTEXT: {2}COPY /.test(line));
  const lines = text.split('\n').length - 1;
  return (
    source.slice(0, textAt) + (ENDS.test(text) ? 'ROLLBACK;' : FAILS) + '\n'.repeat(lines) + (keepsRest ? rest : '\n')
  );
}
