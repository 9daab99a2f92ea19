/** Types of which equal values look alike: what holds for one of two equals holds for the other. Not numeric (1.0, 1.00) nor floats (0, -0). */
import { OID } from './oids.js';

export const ALIKE: ReadonlySet<number> = new Set<number>([
  OID.bool,
  OID.int2,
  OID.int4,
  OID.int8,
  OID.oid,
  OID.text,
  OID.varchar,
  OID.date,
  OID.timestamp,
  OID.timestamptz,
  OID.uuid,
]);
