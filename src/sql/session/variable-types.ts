/** The types of a body's variables, looked up. */
import type { SqlHost } from '../plpgsql/host.js';
import type { Variable } from '../plpgsql/tree.js';
import { resolveType, takesNames, type VariableType } from '../plpgsql/types.js';

/** Of the variables in their order: a type may be that of a variable before. */
export async function resolveTypes(variables: readonly Variable[], host: SqlHost): Promise<VariableType[]> {
  const types: VariableType[] = [];
  for (const variable of variables) {
    types.push(await resolveType(variable.type, host.types, ({ index }) => types[index]!));
  }
  if (types.some(takesNames)) await host.knowNames();
  return types;
}
