/**
 * What PostgreSQL does otherwise since version 15, whose answers are ours: the peer in this process (PGlite) is newer. And
 * what a minor version of 15 has changed, for a peer that is older.
 * Each names the version that brought it.
 */
import type { Answer } from './servers.js';

interface Change {
  readonly since: number;
  isMet(text: string, ours: Answer, theirs: Answer): boolean;
}

const fails = (one: Answer, sqlstate: string, message: string): boolean =>
  !one.ok && one.sqlstate === sqlstate && one.message.includes(message);

const CHANGES: readonly Change[] = [
  // Ours is the newer one beside 15.19 and older: there @? and @@ took a jsonpath variable that is not there for NULL.
  {
    since: 15,
    isMet: (_text, ours, theirs) => fails(ours, '42704', 'could not find jsonpath variable') && theirs.ok,
  },
  // And there ON CONFLICT DO UPDATE changed rows that the view does not show.
  {
    since: 15,
    isMet: (_text, ours, theirs) => fails(ours, '55000', 'conflicting row is not visible through view') && theirs.ok,
  },
  // How many zeros a number has that was read by a template with V.
  {
    since: 16,
    isMet: (text, ours, theirs) =>
      /to_number\(.*V/i.test(text) && ours.ok && theirs.ok && Number(ours.rows[0]?.[0]) === Number(theirs.rows[0]?.[0]),
  },
  // Time zones are read by templates.
  {
    since: 17,
    isMet: (_text, ours) => !ours.ok && /^formatting field "\w+" is only supported in to_char$/.test(ours.message),
  },
  // The planner knows whether a range without bounds, or an empty one, contains something, even if that is NULL.
  { since: 17, isMet: (text) => /range '(\(,\)|empty)' @>|<@ \(*\w*range '(\(,\)|empty)'/.test(text) },
  // MERGE of a view.
  { since: 17, isMet: (_text, ours) => fails(ours, '0A000', 'cannot execute MERGE on relation') },
  // Roman numbers are read, and stand alone in a format.
  { since: 18, isMet: (_text, ours) => fails(ours, '0A000', '"RN" not supported for input') },
  { since: 18, isMet: (_text, _ours, theirs) => !theirs.ok && /"RN"/.test(theirs.message) },
  // NOT NULL is a constraint with a name.
  {
    since: 18,
    isMet: (text, ours, theirs) =>
      text.includes('pg_constraint') && ours.ok && theirs.ok && theirs.rows.some((row) => row.includes('n')),
  },
  // Integers are cast to bytea and back.
  { since: 18, isMet: (_text, ours) => !ours.ok && /^cannot cast type (\w+ to bytea|bytea to )/.test(ours.message) },
];

/** Whether the answers differ by what has changed since. `version`: the peer's. */
export function isNewer(version: number, text: string, ours: Answer, theirs: Answer): boolean {
  return CHANGES.some((change) => change.since <= version && change.isMet(text, ours, theirs));
}
