/** pg_type: the built-in types. */
import { allTypes } from '../../types/registry.js';
import { PG_CATALOG_SCHEMA_ID, SUPERUSER_OID } from '../bootstrap.js';
import type { Values } from './layout.js';
import { typeFacts } from './type-facts.js';

export function* typeRows(): Iterable<Values> {
  for (const type of [...allTypes()].sort((a, b) => a.oid - b.oid)) {
    const facts = typeFacts(type.oid);
    const [input, output, receive, send, modin, modout, analyze] = facts.functions as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    yield {
      oid: type.oid,
      typname: type.name,
      typnamespace: PG_CATALOG_SCHEMA_ID,
      typowner: SUPERUSER_OID,
      typlen: facts.length,
      typbyval: facts.byValue,
      typtype: facts.type,
      typcategory: type.category,
      typispreferred: type.preferred,
      typisdefined: true,
      typdelim: facts.delimiter,
      typsubscript: facts.subscript,
      typelem: type.elementOid,
      typarray: type.arrayOid,
      typinput: input,
      typoutput: output,
      typreceive: receive,
      typsend: send,
      typmodin: modin,
      typmodout: modout,
      typanalyze: analyze,
      typalign: facts.align,
      typstorage: facts.storage,
      typtypmod: -1,
      typcollation: facts.collation,
    };
  }
}
