/** The types of a body's variables, looked up. */
import type { SqlHost } from '../plpgsql/host.js';
import type { Variable } from '../plpgsql/tree.js';
import { resolveType, takesNames, type VariableType } from '../plpgsql/types.js';

/** Of the variables in their order: a type may be that of a variable before. */
export async function resolveTypes(variables: readonly Variable[], host: SqlHost): Promise<VariableType[]> {
  const types: VariableType[] = [];
  for (const variable of variables) {
    const known = (names: readonly string[]): VariableType | null => {
      const earlier =
        names.length === 1 ? variables.slice(0, types.length).findLast((v) => v.name === names[0]) : undefined;
      return earlier === undefined ? null : types[earlier.index]!;
    };
    types.push(await resolveType(variable.type, host.types, known));
  }
  if (types.some(takesNames)) await host.knowNames();
  return types;
}
