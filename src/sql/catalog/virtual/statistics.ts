/** pg_statistic_ext: extended statistics as they were defined; nothing was collected for them. */
import { PgArray } from '../../types/datum.js';
import { OID } from '../../types/oids.js';
import type { Values } from './layout.js';
import type { Source } from './model.js';
import { int2vector } from './model.js';

export function* extendedStatistics({ model }: Source): Iterable<Values> {
  for (const table of model.tables) {
    for (const { oid, name, schemaId, owner, kinds, columnIds, expressions, target } of table.statistics ?? []) {
      yield {
        oid,
        stxrelid: table.id,
        stxname: name,
        stxnamespace: schemaId,
        stxowner: owner,
        stxstattarget: target ?? -1,
        stxkeys: int2vector(columnIds),
        stxkind: new PgArray(OID.char, kinds),
        stxexprs: expressions.length === 0 ? null : expressions.map((e) => e.expressionSql).join(', '),
      };
    }
  }
}
