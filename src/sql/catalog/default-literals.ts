/**
 * Names of sequences in the defaults of tables, of their columns and of the columns' domains, made known before a
 * statement is compiled, which reads them synchronously.
 */
import type { CatalogSnapshot, Relation, RelationName } from '../contract.js';
import { splitName } from '../types/identifiers.js';
import { domainDefault } from '../types/user-types.js';
import type { WaitOptions } from './catalog.js';
import type { TransactionCatalog } from './transaction-catalog.js';

export async function knowDefaults(
  catalog: Pick<TransactionCatalog, 'relation'>,
  names: readonly RelationName[],
  snapshot: CatalogSnapshot,
  wait: WaitOptions,
): Promise<void> {
  const known = new Set<string>();
  for (const name of names) {
    for (const text of defaultsOf(snapshot.relation(name))) {
      if (known.has(text)) continue;
      known.add(text);
      for (const match of text.matchAll(/'((?:[^']|'')+)'::regclass/g)) {
        if (/^\d+$/.test(match[1]!)) continue;
        const parts = splitName(match[1]!.replaceAll("''", "'"));
        const sequence = { schema: parts.at(-2) ?? null, name: parts.at(-1)! };
        await catalog.relation(sequence, snapshot.searchPath, wait);
      }
    }
  }
}

/** Of a view's tables too: rows may be inserted through it. */
function* defaultsOf(found: Relation | null): Iterable<string> {
  if (found?.kind !== 'table' && found?.kind !== 'view') return;
  for (const { defaultSql, typeOid } of found.kind === 'table' ? found.table.columns : found.view.columns) {
    const text = defaultSql ?? domainDefault(typeOid);
    if (text?.includes('::regclass') === true) yield text;
  }
  if (found.kind === 'view') for (const source of found.sources.values()) yield* defaultsOf(source);
}
