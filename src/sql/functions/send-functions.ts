/** The binary forms of values, as the protocol has them: what `int8send(n)` or `uuid_send(id)` make of a value. */
import type { Datum } from '../types/datum.js';
import { typeByName } from '../types/registry.js';
import { fn } from './define.js';

const SENT: readonly (readonly [name: string, type: string])[] = [
  ['boolsend', 'bool'],
  ['byteasend', 'bytea'],
  ['charsend', 'char'],
  ['namesend', 'name'],
  ['int2send', 'int2'],
  ['int4send', 'int4'],
  ['int8send', 'int8'],
  ['oidsend', 'oid'],
  ['textsend', 'text'],
  ['varcharsend', 'varchar'],
  ['bpcharsend', 'bpchar'],
  ['float4send', 'float4'],
  ['float8send', 'float8'],
  ['numeric_send', 'numeric'],
  ['date_send', 'date'],
  ['time_send', 'time'],
  ['timetz_send', 'timetz'],
  ['timestamp_send', 'timestamp'],
  ['timestamptz_send', 'timestamptz'],
  ['interval_send', 'interval'],
  ['uuid_send', 'uuid'],
  ['json_send', 'json'],
  ['jsonb_send', 'jsonb'],
  ['inet_send', 'inet'],
  ['cidr_send', 'cidr'],
  ['macaddr_send', 'macaddr'],
  ['macaddr8_send', 'macaddr8'],
  ['bit_send', 'bit'],
  ['varbit_send', 'varbit'],
  ['xid8send', 'xid8'],
];

/** To PostgreSQL, as the encoding of the client decides. */
const STABLE: ReadonlySet<string> = new Set(['name', 'text', 'varchar', 'bpchar']);

for (const [name, type] of SENT) {
  const { send } = typeByName(type)!;
  const volatility = STABLE.has(type) ? 'stable' : 'immutable';
  fn(`${name}(${type}) bytea`, (v: Exclude<Datum, null>) => Uint8Array.from(send(v)), { volatility });
}
