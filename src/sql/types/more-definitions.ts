/** Behaviour of the types that have files of their own, for the registry. */
import { BIT, VARBIT } from './bit-string.js';
import type { TypeBehaviour } from './definitions.js';
import { JSONPATH } from './json-path.js';
import { MACADDR, MACADDR8 } from './mac-address.js';
import { CIDR, INET } from './network.js';
import { OID } from './oids.js';
import { PG_LSN } from './pg-lsn.js';
import { PG_SNAPSHOT } from './pg-snapshot.js';

export const MORE_BEHAVIOURS: ReadonlyMap<number, TypeBehaviour> = new Map<number, TypeBehaviour>([
  [OID.bit, BIT],
  [OID.varbit, VARBIT],
  [OID.inet, INET],
  [OID.cidr, CIDR],
  [OID.macaddr, MACADDR],
  [OID.macaddr8, MACADDR8],
  [OID.jsonpath, JSONPATH],
  [OID.pgLsn, PG_LSN],
  [OID.pgSnapshot, PG_SNAPSHOT],
  [OID.txidSnapshot, PG_SNAPSHOT],
]);
