/**
 * Functions that pg_dump, psql and introspection ask about objects: options, partitions.
 *
 * Limits: there are no partitions.
 */
import type { Datum } from '../types/datum.js';
import { type PgArray, PgRecord } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { srf } from './define.js';

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

// psql asks for the foreign keys of a table's ancestors.
srf('pg_partition_ancestors(regclass) regclass', () => [], { columnName: 'relid' });
srf('pg_partition_tree(regclass) record', () => [], {
  resultColumns: [
    { name: 'relid', typeOid: OID.regclass },
    { name: 'parentrelid', typeOid: OID.regclass },
    { name: 'isleaf', typeOid: OID.bool },
    { name: 'level', typeOid: OID.int4 },
  ],
});
