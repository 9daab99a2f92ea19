/** What is said of a qualified name whose relation is not to be seen. */
import { errorAt } from './binder.js';
import type { ExprContext, Scope } from './binder.js';

export function missingRelation(ctx: ExprContext, name: string, location: number): Error {
  for (let s: Scope | null = ctx.scope; s !== null; s = s.parent) {
    const hidden = s.relations.find((r) => r.table?.name === name || r.alias === name);
    if (hidden !== undefined) {
      const hint =
        hidden.alias === name
          ? `There is an entry for table "${name}", but it cannot be referenced from this part of the query.`
          : `Perhaps you meant to reference the table alias "${hidden.alias}".`;
      return errorAt('42P01', `invalid reference to FROM-clause entry for table "${name}"`, location, { hint });
    }
  }
  return errorAt('42P01', `missing FROM-clause entry for table "${name}"`, location);
}
