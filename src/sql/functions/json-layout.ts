/** JSON functions about form rather than content: line feeds, members that are null. */
import { sqlError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';
import type { Datum, Jsonb, PgArray } from '../types/datum.js';
import { parseJson, quoteJson } from '../types/json.js';
import { OID } from '../types/oids.js';
import { fn } from './define.js';
import type { CallInfo, Value } from './entry.js';
import { toJsonText } from './json-convert.js';
import { changeTop, rawMembers } from './json.js';

/** Each member of the outermost array or object on a line of its own. */
function spread(text: string): string {
  const { kind, members } = rawMembers(text);
  if (kind === 'scalar' || members.length === 0) return text;
  const parts = members.map((m) => (kind === 'object' ? `${quoteJson(m.key!)}:${m.text}` : m.text));
  return kind === 'object' ? `{${parts.join(',\n ')}}` : `[${parts.join(',\n ')}]`;
}
fn(
  'array_to_json(anyarray, bool) json',
  (v: Value, pretty: boolean, ctx: ExecContext, call: CallInfo) => {
    const text = toJsonText(v, call.argOids[0]!, ctx);
    return pretty ? spread(text) : text;
  },
  { volatility: 'stable' },
);
fn(
  'row_to_json(record, bool) json',
  (v: Value, pretty: boolean, ctx: ExecContext) => {
    const text = toJsonText(v, OID.record, ctx);
    return pretty ? spread(text) : text;
  },
  { volatility: 'stable' },
);

/** Without blanks; members keep their order, and doubles stay. */
function stripNulls(text: string): string {
  const { kind, members } = rawMembers(text);
  if (kind === 'scalar') {
    const trimmed = text.trim();
    return trimmed.startsWith('"') ? quoteJson(parseJson(trimmed) as string) : trimmed;
  }
  if (kind === 'array') return `[${members.map((m) => stripNulls(m.text)).join(',')}]`;
  const kept = members.filter((m) => m.text.trim() !== 'null');
  return `{${kept.map((m) => `${quoteJson(m.key!)}:${stripNulls(m.text)}`).join(',')}}`;
}
fn('json_strip_nulls(json) json', stripNulls);

/** NULL as the new value is what the last argument says. */
function setLax(
  document: Jsonb | null,
  path: PgArray | null,
  value: Jsonb | null,
  create: boolean | null,
  treatment: string | null,
): Datum {
  if (document === null || path === null || create === null) return null;
  const mode = create ? 'set' : 'set-existing';
  if (value !== null && treatment !== null) return changeTop(document, path, value.value, mode);
  if (treatment === null || !['delete_key', 'return_target', 'use_json_null', 'raise_exception'].includes(treatment)) {
    throw sqlError(
      '22023',
      'null_value_treatment must be "delete_key", "return_target", "use_json_null", or "raise_exception"',
    );
  }
  switch (treatment) {
    case 'raise_exception':
      throw sqlError('22004', 'JSON value must not be null', {
        detail: 'Exception was raised because null_value_treatment is "raise_exception".',
        hint: 'To avoid, either change the null_value_treatment argument or ensure that an SQL NULL is not passed.',
      });
    case 'use_json_null':
      return changeTop(document, path, null, mode);
    case 'delete_key':
      return changeTop(document, path, null, 'delete');
    default:
      return document;
  }
}
fn('jsonb_set_lax(jsonb, _text, jsonb, bool, text) jsonb', setLax, {
  strict: false,
  defaults: [true, 'use_json_null'],
});
