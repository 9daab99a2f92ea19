/** pg_type: the built-in types, and the columns that rows of every type have. */
import { allTypes } from '../../types/registry.js';
import { PG_CATALOG_SCHEMA_ID } from '../bootstrap.js';
import { SUPERUSER_OID } from '../bootstrap-names.js';
import type { Values } from './layout.js';
import { typeFacts } from './type-facts.js';
import type { TypeFacts } from './type-facts.js';

export function* typeRows(): Iterable<Values> {
  for (const type of [...allTypes()].sort((a, b) => a.oid - b.oid)) {
    const facts = typeFacts(type.oid);
    yield {
      ...formColumns(facts),
      ...functionColumns(facts.functions),
      oid: type.oid,
      typname: type.name,
      typnamespace: PG_CATALOG_SCHEMA_ID,
      typowner: SUPERUSER_OID,
      typtype: facts.type,
      typcategory: type.category,
      typispreferred: type.preferred,
      typisdefined: true,
      typsubscript: facts.subscript,
      typelem: type.elementOid,
      typarray: type.arrayOid,
      typtypmod: -1,
    };
  }
}

const FUNCTIONS = ['typinput', 'typoutput', 'typreceive', 'typsend', 'typmodin', 'typmodout', 'typanalyze'] as const;

/** `oids` in pg_type's order. */
export function functionColumns(oids: readonly number[]): Values {
  return Object.fromEntries(FUNCTIONS.map((name, i) => [name, oids[i]!]));
}

export function formColumns(facts: TypeFacts): Values {
  return {
    typlen: facts.length,
    typbyval: facts.byValue,
    typalign: facts.align,
    typstorage: facts.storage,
    typdelim: facts.delimiter,
    typcollation: facts.collation,
  };
}
