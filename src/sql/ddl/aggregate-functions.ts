/**
 * The functions that an aggregate names: found by the very types that they will be given, as PostgreSQL finds them. A
 * polymorphic type stands for any type here, so a function fits only if it takes it as polymorphic too.
 */
import { sqlError } from '../../base/errors.js';
import type { StoredCall } from '../catalog/descriptor.js';
import type { FunctionEntry } from '../functions/entry.js';
import { isPolymorphic } from '../functions/polymorphic.js';
import { resolveFunction } from '../functions/resolve.js';
import { isBuiltInFunction } from '../plan/ast.js';
import { functionsOf } from '../plan/routines.js';
import { isBinaryCoercible } from '../types/casts.js';
import { OID } from '../types/oids.js';
import { arrayOidOf, formatType } from '../types/registry.js';
import { baseOidOf } from '../types/user-types.js';
import type { DdlContext } from './context.js';
import { of, qualifiedName, strings } from './tree.js';
import type { Loose } from './tree.js';

/** What stands in for a polymorphic type while functions are looked for: types that become no others by themselves. */
const ANY = OID.pgLsn;
const COMPATIBLE = OID.uuid;
const STAND_INS: ReadonlyMap<number, number> = new Map([
  [OID.anyelement, ANY],
  [OID.anynonarray, ANY],
  [OID.anyarray, arrayOidOf(ANY)],
  [OID.anycompatible, COMPATIBLE],
  [OID.anycompatiblenonarray, COMPATIBLE],
  [OID.anycompatiblearray, arrayOidOf(COMPATIBLE)],
]);
const standIn = (oid: number): number => STAND_INS.get(oid) ?? oid;

export interface FoundCall {
  readonly call: StoredCall;
  /** As the aggregate has it: polymorphic where that depends on the call. */
  readonly resultOid: number;
  readonly strict: boolean;
}

/** One with VARIADIC gets its array as such. */
const asDeclared = (entry: FunctionEntry): FunctionEntry => (entry.variadic ? { ...entry, variadic: false } : entry);

/** @throws QuoralError 42883, 42804 */
export async function findCall(ctx: DdlContext, node: Loose, oids: readonly number[]): Promise<FoundCall> {
  const name = qualifiedName(strings(of(node, 'TypeName')['names']));
  const builtIn = isBuiltInFunction(name.schema, name.name);
  const groups = builtIn ? [] : ((await ctx.catalog.routines(name, ctx.session.searchPath, ctx.wait)) ?? []);
  const shown = name.schema === null ? name.name : `${name.schema}.${name.name}`;
  const described = (types: readonly number[]): string =>
    `function ${shown}(${types.map((oid) => formatType(oid)).join(', ')})`;
  const entries = builtIn ? {} : { routines: functionsOf(groups).map(asDeclared) };
  let found: ReturnType<typeof resolveFunction>;
  try {
    found = resolveFunction(name.name, oids.map(standIn).map(baseOidOf), { ...entries, declared: oids.map(standIn) });
  } catch {
    throw sqlError('42883', `${described(oids)} does not exist`);
  }
  const { entry } = found;
  if (entry.returnsSet) throw sqlError('42804', `${described(oids)} returns a set`);
  found.argOids.forEach((oid, i) => {
    if (!isBinaryCoercible(baseOidOf(standIn(oids[i]!)), oid))
      throw sqlError('42804', `${described(found.argOids)} requires run-time type coercion`);
  });
  const group = groups.find((g) => entry.routine !== undefined && g.routines.includes(entry.routine));
  return {
    call: {
      name: name.name,
      used: group === undefined ? null : { groupId: group.id, name: group.name, routine: entry.routine! },
    },
    resultOid: isPolymorphic(entry.resultOid) ? polymorphicAgain(found.resultOid, oids) : found.resultOid,
    strict: entry.strict,
  };
}

/** The polymorphic type that the stand-in came for. */
function polymorphicAgain(oid: number, oids: readonly number[]): number {
  const given = oids.find((one) => isPolymorphic(one) && standIn(one) === oid);
  if (given !== undefined) return given;
  if (!oids.some(isPolymorphic)) return oid;
  return [...STAND_INS].find(([, stand]) => stand === oid)?.[0] ?? oid;
}
