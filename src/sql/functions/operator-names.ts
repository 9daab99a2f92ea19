/** PostgreSQL's operators by name, for regoper and regoperator; those that do not run here are named too. */
import type { BuiltInOperators, NamedOperator } from '../types/reg-operators.js';
import { typeByName } from '../types/registry.js';
import { OPERATOR_OIDS } from './oid-table.js';

/** Made when first asked for. */
export function builtInOperators(): BuiltInOperators {
  let byOid: Map<number, NamedOperator> | null = null;
  const byName = new Map<string, NamedOperator[]>();
  const known = (): ReadonlyMap<number, NamedOperator> => {
    if (byOid !== null) return byOid;
    byOid = new Map();
    for (const [signature, oid] of Object.entries(OPERATOR_OIDS)) {
      const open = signature.indexOf('(');
      const name = signature.slice(0, open);
      const types = signature.slice(open + 1, -1).split(',');
      const operator = { oid, name, argOids: types.map((type) => typeByName(type)?.oid ?? 0) };
      byOid.set(oid, operator);
      const same = byName.get(name);
      if (same === undefined) byName.set(name, [operator]);
      else same.push(operator);
    }
    return byOid;
  };
  return {
    find: (oid) => known().get(oid) ?? null,
    named: (name) => {
      known();
      return byName.get(name) ?? [];
    },
  };
}
