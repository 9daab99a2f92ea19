/**
 * A sequence read as a table of one row, as pg_dump reads it. last_value is never behind a value that some node has
 * given: of a block that another node may still hand out, it is the last one. log_cnt is of PostgreSQL's own log.
 */
import type { SequenceDescriptor } from '../catalog/descriptor.js';
import type { VirtualTable } from '../contract.js';
import { OID } from '../types/oids.js';

/** As a view's query pins them: they are the same of all. */
export const SEQUENCE_COLUMNS: readonly (readonly [id: number, name: string])[] = [
  [1, 'last_value'],
  [2, 'log_cnt'],
  [3, 'is_called'],
];

export function sequenceRelation(sequence: SequenceDescriptor, schemaName: string): VirtualTable {
  return {
    kind: 'virtual',
    oid: sequence.id,
    schema: schemaName,
    name: sequence.name,
    columns: [
      { name: 'last_value', typeOid: OID.int8 },
      { name: 'log_cnt', typeOid: OID.int8 },
      { name: 'is_called', typeOid: OID.bool },
    ],
    rows: async (ctx) => {
      const { value, isCalled } = await ctx.services.sequenceState(sequence.id);
      return [[value, 0n, isCalled]];
    },
  };
}
