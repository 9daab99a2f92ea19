/** Functions of enums (PostgreSQL, chapter 9.10): what matters of their first argument is its type. */
import { sqlError } from '../../base/errors.js';
import { PgArray } from '../types/datum.js';
import type { Datum } from '../types/datum.js';
import { committed, userTypeOf } from '../types/user-types.js';
import type { EnumType } from '../types/user-types.js';
import type { ExecContext } from '../contract.js';
import { fn } from './define.js';
import type { CallInfo } from './entry.js';

function enumOf(call: CallInfo): EnumType {
  const type = userTypeOf(call.argOids[0]!);
  if (type?.kind !== 'enum') throw sqlError('22023', 'could not determine actual enum type');
  return type;
}

function labelsBetween(call: CallInfo, from: Datum, to: Datum): PgArray {
  const type = enumOf(call);
  const labels = type.labels.map((one) => one.label);
  const start = from === null ? 0 : labels.indexOf(from as string);
  const end = to === null ? labels.length : labels.indexOf(to as string) + 1;
  const within = type.labels.slice(start, Math.max(start, end));
  return new PgArray(
    call.argOids[0]!,
    within.map((one) => committed(type, one)),
  );
}

function endOf(call: CallInfo, at: number): Datum {
  const type = enumOf(call);
  const found = type.labels.at(at);
  if (found === undefined) throw sqlError('55000', `enum ${type.name} contains no values`);
  return committed(type, found);
}

const OPTIONS = { strict: false, volatility: 'stable' } as const;
fn('enum_first(anyenum) anyenum', (_of: Datum, _ctx: ExecContext, call: CallInfo) => endOf(call, 0), OPTIONS);
fn('enum_last(anyenum) anyenum', (_of: Datum, _ctx: ExecContext, call: CallInfo) => endOf(call, -1), OPTIONS);
fn(
  'enum_range(anyenum) anyarray',
  (_of: Datum, _ctx: ExecContext, call: CallInfo) => labelsBetween(call, null, null),
  OPTIONS,
);
fn(
  'enum_range(anyenum, anyenum) anyarray',
  (from: Datum, to: Datum, _ctx: ExecContext, call: CallInfo) => labelsBetween(call, from, to),
  OPTIONS,
);
