/**
 * Functions that pg_dump, psql and introspection ask about objects: default privileges, options, partitions.
 *
 * Limits: privileges are given as text, as the catalogs here do; there are no partitions.
 */
import { sqlError } from '../../base/errors.js';
import type { Datum } from '../types/datum.js';
import { PgArray, PgRecord } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { srf, fn } from './define.js';

/** What everybody, then what the owner may do with a new object, by PostgreSQL's letter for its kind. */
const DEFAULTS: Readonly<Record<string, readonly [everybody: string, owner: string]>> = {
  c: ['', ''],
  r: ['', 'arwdDxt'],
  s: ['', 'rwU'],
  d: ['Tc', 'CTc'],
  f: ['X', 'X'],
  l: ['U', 'U'],
  L: ['', 'rw'],
  n: ['', 'UC'],
  p: ['', 'sA'],
  t: ['', 'C'],
  F: ['', 'U'],
  S: ['', 'U'],
  T: ['U', 'U'],
};

fn('acldefault(char, oid) _text', (kind: string) => {
  const known = Object.hasOwn(DEFAULTS, kind) ? DEFAULTS[kind] : undefined;
  if (known === undefined) throw sqlError('XX000', `unrecognized objtype abbreviation: ${kind}`);
  const [everybody, owner] = known;
  const items: string[] = [];
  if (everybody !== '') items.push(`=${everybody}/postgres`);
  if (owner !== '') items.push(`postgres=${owner}/postgres`);
  return new PgArray(OID.text, items);
});

srf(
  'pg_options_to_table(_text) record',
  (options: PgArray) =>
    options.elements.map((option: Datum) => {
      const text = String(option);
      const at = text.indexOf('=');
      const parts = at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
      return new PgRecord([OID.text, OID.text], parts);
    }),
  {
    volatility: 'stable',
    resultColumns: [
      { name: 'option_name', typeOid: OID.text },
      { name: 'option_value', typeOid: OID.text },
    ],
  },
);

srf('pg_partition_tree(regclass) record', () => [], {
  resultColumns: [
    { name: 'relid', typeOid: OID.regclass },
    { name: 'parentrelid', typeOid: OID.regclass },
    { name: 'isleaf', typeOid: OID.bool },
    { name: 'level', typeOid: OID.int4 },
  ],
});
