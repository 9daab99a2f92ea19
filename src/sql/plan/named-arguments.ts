/**
 * Arguments by name (PostgreSQL 15, 4.3.2): put into the places that the function gives them. Only functions whose
 * parameters have names in pg_proc can be called so.
 */
import type { Node } from 'libpg-query';
import { as, locationOf } from './ast.js';
import { errorAt } from './binder.js';
import type { Binder } from './binder.js';
import type { Expr } from './expr.js';

const JSONB_PATH = ['target', 'path', 'vars', 'silent'];
const PARAMETERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['make_interval', ['years', 'months', 'weeks', 'days', 'hours', 'mins', 'secs']],
  ['make_date', ['year', 'month', 'day']],
  ['make_time', ['hour', 'min', 'sec']],
  ['make_timestamp', ['year', 'month', 'mday', 'hour', 'min', 'sec']],
  ['make_timestamptz', ['year', 'month', 'mday', 'hour', 'min', 'sec', 'timezone']],
  ['jsonb_set', ['jsonb_in', 'path', 'replacement', 'create_if_missing']],
  ['jsonb_set_lax', ['jsonb_in', 'path', 'replacement', 'create_if_missing', 'null_value_treatment']],
  ['jsonb_insert', ['jsonb_in', 'path', 'replacement', 'insert_after']],
  ['json_populate_record', ['base', 'from_json', 'use_json_as_text']],
  ['json_populate_recordset', ['base', 'from_json', 'use_json_as_text']],
  ['parse_ident', ['str', 'strict']],
  ['pg_terminate_backend', ['pid', 'timeout']],
  ...['exists', 'match', 'query', 'query_array', 'query_first'].flatMap((name) => [
    [`jsonb_path_${name}`, JSONB_PATH] as const,
    [`jsonb_path_${name}_tz`, JSONB_PATH] as const,
  ]),
]);

/** What an argument in the middle is that is left out. */
function defaultOf(name: string): Node | null {
  if (name === 'jsonb_set_lax') return { A_Const: { boolval: { boolval: true } } };
  if (name === 'make_interval') return { A_Const: { ival: {} } };
  return name.startsWith('jsonb_path_') ? { A_Const: { sval: { sval: '{}' } } } : null;
}

/** Where the named ones begin, −1 if there are none. @throws QuoralError 42601 */
export function firstNamed(nodes: readonly Node[]): number {
  const first = nodes.findIndex((node) => as(node, 'NamedArgExpr') !== undefined);
  const seen = new Set<string | undefined>();
  for (const node of first < 0 ? [] : nodes.slice(first)) {
    const named = as(node, 'NamedArgExpr');
    if (named === undefined)
      throw errorAt('42601', 'positional argument cannot follow named argument', locationOf(node));
    if (seen.has(named.name))
      throw errorAt('42601', `argument name "${named.name}" used more than once`, named.location ?? -1);
    seen.add(named.name);
  }
  return first;
}

/**
 * The call with the places of what it was given by names, for who writes it again. `placed`: what it was given, in the
 * order of the parameters.
 */
export function asWrittenIn(b: Binder, made: Expr, nodes: readonly Node[], placed: readonly (Node | null)[]): Expr {
  if (b.notes === null || (made.kind !== 'call' && made.kind !== 'srf') || firstNamed(nodes) < 0) return made;
  const written = nodes.map((node) => {
    const named = as(node, 'NamedArgExpr');
    return { at: placed.indexOf(named?.arg ?? node), name: named?.name ?? null };
  });
  return { ...made, written };
}

/** `missing`: no function takes these names. @throws QuoralError 42601, 42883 */
export function placeArguments(name: string, nodes: readonly Node[], missing: () => Error): readonly Node[] {
  const first = firstNamed(nodes);
  if (first < 0) return nodes;
  const parameters = PARAMETERS.get(name) ?? [];
  const placed: (Node | undefined)[] = nodes.slice(0, first);
  for (const node of nodes.slice(first)) {
    const named = as(node, 'NamedArgExpr')!;
    const at = parameters.indexOf(named.name ?? '');
    if (at < 0 || placed[at] !== undefined) throw missing();
    placed[at] = named.arg!;
  }
  return Array.from(placed, (node) => {
    const given = node ?? defaultOf(name);
    if (given === null) throw missing();
    return given;
  });
}
