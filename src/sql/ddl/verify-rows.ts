/**
 * What ALTER TABLE asks of the rows that are there: new checks, new NOT NULL, domains of new columns.
 */
import { sqlError } from '../../base/errors.js';
import type { ColumnDescriptor, TableDescriptor } from '../catalog/descriptor.js';
import type { CompiledExpression, ExecContext } from '../contract.js';
import { checkDomain, checkDomainLater, domainWaits, holdsDomain } from '../functions/domains.js';
import { needsNames } from '../plan/catalog-uses.js';
import type { Datum } from '../types/datum.js';
import type { Draft } from './alter-draft.js';
import { fieldsOfTable } from './objects.js';
import { compilePlaced } from './placed-expressions.js';
import { containsNull, scanRows } from './rewrite.js';

export function isNew(draft: Draft, column: ColumnDescriptor): boolean {
  return !column.dropped && draft.before.columns.every((c) => c.id !== column.id || c.typeOid !== column.typeOid);
}

/** The old rows read as the new columns: new ones give their stored defaults. */
export function viewOf(before: TableDescriptor, next: TableDescriptor): TableDescriptor {
  return { ...next, storageId: before.storageId, indexes: [before.indexes[0]!] };
}

/** What the rows are made of or checked by asks the catalog. */
export function looksUpNames(draft: Draft, next: TableDescriptor): boolean {
  for (const source of draft.sources.values())
    if (typeof source === 'object' && source.expression.namesObjects) return true;
  const live = next.columns.filter((c) => !c.dropped);
  return (
    live.some((c) => isNew(draft, c) && needsNames(c.typeOid)) ||
    newChecks(draft, next, live).some(({ expression }) => expression.namesObjects)
  );
}

function newChecks(
  draft: Draft,
  next: TableDescriptor,
  live: readonly ColumnDescriptor[],
): readonly { readonly name: string; readonly expression: CompiledExpression }[] {
  return draft.newChecks
    .filter((c) => next.checks.some((x) => x.oid === c.oid))
    .map((c) => ({
      name: c.name,
      expression: compilePlaced(draft.ctx, { node: null, sql: c.expressionSql }, live, null),
    }));
}

function compileChecks(
  draft: Draft,
  next: TableDescriptor,
  context: ExecContext,
): (values: readonly Datum[]) => void | Promise<void> {
  const live = next.columns.filter((c) => !c.dropped);
  const checks = newChecks(draft, next, live);
  const violated = (name: string): Error =>
    sqlError('23514', `check constraint "${name}" of relation "${next.name}" is violated by some row`, {
      ...fieldsOfTable(draft.ctx, next),
      constraint: name,
    });
  const domains = live.flatMap((c, i) =>
    holdsDomain(c.typeOid) && isNew(draft, c) ? [{ position: i, typeOid: c.typeOid }] : [],
  );
  return (values) => {
    const later: Promise<void>[] = [];
    for (const { position, typeOid } of domains) {
      if (domainWaits(typeOid)) later.push(checkDomainLater(typeOid, values[position]!, context));
      else checkDomain(typeOid, values[position]!, context);
    }
    for (const { name, expression } of checks) {
      const result = expression.evaluate(values, context);
      if (result instanceof Promise) {
        later.push(
          result.then((r) => {
            if (r === false) throw violated(name);
          }),
        );
      } else if (result === false) throw violated(name);
    }
    return later.length === 0 ? undefined : Promise.all(later).then(() => undefined);
  };
}

/** Looks at each row that is rewritten. */
export function verifier(draft: Draft, next: TableDescriptor): (values: readonly Datum[]) => void | Promise<void> {
  return compileChecks(draft, next, draft.ctx.execContext());
}

/** That the rows keep the new checks, are not null where that is new, and their new columns' domains. @throws QuoralError 23502, 23514 */
export async function verifyRows(draft: Draft, next: TableDescriptor): Promise<void> {
  const { ctx } = draft;
  const check = compileChecks(draft, next, ctx.execContext());
  const live = next.columns.filter((c) => !c.dropped);
  const required = live.flatMap((c, i) => (draft.newNotNull.has(c.id) ? [i] : []));
  await scanRows(ctx, viewOf(draft.before, next), (values) => {
    for (const p of required) {
      if (values[p] === null) throw containsNull(ctx, live[p]!, next);
    }
    return check(values);
  });
}
