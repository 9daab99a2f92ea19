/** Functions that build JSON from SQL values. */
import { sqlError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';
import { Jsonb, type PgArray } from '../types/datum.js';
import type { Datum, JsonValue } from '../types/datum.js';
import { makeJsonObject, quoteJson } from '../types/json.js';
import { OID } from '../types/oids.js';
import type { CallInfo, Value } from './entry.js';
import { fn } from './define.js';
import { jsonKey, toJsonText, toJsonValue } from './json-convert.js';

const STABLE = { volatility: 'stable' } as const;
const LOOSE = { volatility: 'stable', strict: false } as const;

fn(
  'to_json(anyelement) json',
  (v: Value, ctx: ExecContext, call: CallInfo) => toJsonText(v, call.argOids[0]!, ctx),
  STABLE,
);
fn(
  'to_jsonb(anyelement) jsonb',
  (v: Value, ctx: ExecContext, call: CallInfo) => new Jsonb(toJsonValue(v, call.argOids[0]!, ctx)),
  STABLE,
);
fn(
  'array_to_json(anyarray) json',
  (v: Value, ctx: ExecContext, call: CallInfo) => toJsonText(v, call.argOids[0]!, ctx),
  STABLE,
);
fn('row_to_json(record) json', (v: Value, ctx: ExecContext) => toJsonText(v, OID.record, ctx), STABLE);

function keyText(v: Datum, oid: number, at: number, ctx: ExecContext, name: string): string {
  if (v === null) {
    if (name === 'jsonb_build_object') throw sqlError('22023', `argument ${at + 1}: key must not be null`);
    throw sqlError('22023', `argument ${at + 1} cannot be null`, { hint: 'Object keys should be text.' });
  }
  return jsonKey(v, oid, ctx);
}
function checkPairs(args: readonly Datum[], name: string): void {
  if (args.length % 2 === 1) {
    throw sqlError('22023', 'argument list must have even number of elements', {
      hint: `The arguments of ${name}() must consist of alternating keys and values.`,
    });
  }
}
function buildObject(args: readonly Datum[], ctx: ExecContext, call: CallInfo): string {
  checkPairs(args, 'json_build_object');
  const { argOids } = call;
  let text = '{';
  for (let i = 0; i < args.length; i += 2) {
    const key = quoteJson(keyText(args[i]!, argOids[i]!, i, ctx, 'json_build_object'));
    text += `${i === 0 ? '' : ', '}${key} : ${toJsonText(args[i + 1]!, argOids[i + 1]!, ctx)}`;
  }
  return `${text}}`;
}
function buildObjectBinary(args: readonly Datum[], ctx: ExecContext, call: CallInfo): Jsonb {
  checkPairs(args, 'jsonb_build_object');
  const entries: [string, JsonValue][] = [];
  for (let i = 0; i < args.length; i += 2) {
    entries.push([
      keyText(args[i]!, call.argOids[i]!, i, ctx, 'jsonb_build_object'),
      toJsonValue(args[i + 1]!, call.argOids[i + 1]!, ctx),
    ]);
  }
  return new Jsonb(makeJsonObject(entries));
}
fn('json_build_object(variadic any) json', buildObject, LOOSE);
fn('json_build_object() json', () => '{}', LOOSE);
fn('jsonb_build_object(variadic any) jsonb', buildObjectBinary, LOOSE);
fn('jsonb_build_object() jsonb', () => new Jsonb(new Map()), LOOSE);
fn(
  'json_build_array(variadic any) json',
  (args: readonly Datum[], ctx: ExecContext, call: CallInfo) =>
    `[${args.map((v, i) => toJsonText(v, call.argOids[i]!, ctx)).join(', ')}]`,
  LOOSE,
);
fn('json_build_array() json', () => '[]', LOOSE);
fn(
  'jsonb_build_array(variadic any) jsonb',
  (args: readonly Datum[], ctx: ExecContext, call: CallInfo) =>
    new Jsonb(args.map((v, i) => toJsonValue(v, call.argOids[i]!, ctx))),
  LOOSE,
);
fn('jsonb_build_array() jsonb', () => new Jsonb([]), LOOSE);

function pairsOf(a: PgArray): [string, string | null][] {
  const items = a.elements as (string | null)[];
  if (a.dims.length > 2) throw sqlError('2202E', 'wrong number of array subscripts');
  if (a.dims.length === 2 ? a.dims[1] !== 2 : items.length % 2 === 1) {
    throw sqlError(
      '2202E',
      a.dims.length === 2 ? 'array must have two columns' : 'array must have even number of elements',
    );
  }
  const out: [string, string | null][] = [];
  for (let i = 0; i < items.length; i += 2) {
    const key = items[i]!;
    if (key === null) throw sqlError('22004', 'null value not allowed for object key');
    out.push([key, items[i + 1]!]);
  }
  return out;
}
function zip(keys: PgArray, values: PgArray): [string, string | null][] {
  if (keys.dims.length > 1 || keys.dims.length !== values.dims.length) {
    throw sqlError('2202E', 'wrong number of array subscripts');
  }
  if (keys.elements.length !== values.elements.length) throw sqlError('2202E', 'mismatched array dimensions');
  return keys.elements.map((key, i) => {
    if (key === null) throw sqlError('22004', 'null value not allowed for object key');
    return [key as string, values.elements[i] as string | null];
  });
}
const objectText = (pairs: readonly [string, string | null][]): string =>
  `{${pairs.map(([k, v]) => `${quoteJson(k)} : ${v === null ? 'null' : quoteJson(v)}`).join(', ')}}`;
fn('json_object(_text) json', (a: PgArray) => objectText(pairsOf(a)));
fn('json_object(_text, _text) json', (k: PgArray, v: PgArray) => objectText(zip(k, v)));
fn('jsonb_object(_text) jsonb', (a: PgArray) => new Jsonb(makeJsonObject(pairsOf(a))));
fn('jsonb_object(_text, _text) jsonb', (k: PgArray, v: PgArray) => new Jsonb(makeJsonObject(zip(k, v))));
