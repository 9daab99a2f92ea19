/** The order of values of a type under a collation: of texts, and of what is made of texts. */
import { compareArrays } from './array.js';
import { C_COLLATION_KEY, type Collation, DEFAULT_COLLATION_KEY } from './collation.js';
import type { Datum, PgArray } from './datum.js';
import { OID } from './oids.js';
import { typeByOid } from './registry.js';
import { stripBlanks } from './text-order.js';
import { baseOidOf } from './user-types.js';

type Compare = (a: Exclude<Datum, null>, b: Exclude<Datum, null>) => number;

/** The key of the collation that values of the type have by themselves; null: collations mean nothing to them. */
export function typeCollation(typeOid: number): string | null {
  const base = baseOidOf(typeOid);
  switch (base) {
    case OID.text:
    case OID.varchar:
    case OID.bpchar:
      return DEFAULT_COLLATION_KEY;
    case OID.name:
      return C_COLLATION_KEY;
    case OID.int2vector:
    case OID.oidvector:
      return null;
    default: {
      const { category, elementOid } = typeByOid(base);
      return category === 'A' && elementOid !== 0 && elementOid !== base ? typeCollation(elementOid) : null;
    }
  }
}

export function collatedCompare(typeOid: number, collation: Pick<Collation, 'compare'>): Compare {
  const base = baseOidOf(typeOid);
  switch (base) {
    case OID.text:
    case OID.varchar:
    case OID.name:
      return collation.compare as Compare;
    case OID.bpchar:
      return (a, b) => collation.compare(stripBlanks(a as string), stripBlanks(b as string));
    default: {
      const type = typeByOid(base);
      if (typeCollation(base) === null) return (a, b) => type.compare(a, b);
      const element = { ...typeByOid(type.elementOid), compare: collatedCompare(type.elementOid, collation) };
      return (a, b) => compareArrays(a as PgArray, b as PgArray, element);
    }
  }
}
