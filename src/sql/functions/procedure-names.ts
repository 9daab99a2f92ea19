/**
 * Built-in functions by name, for regproc and regprocedure: those that run here, and those that read, write and
 * convert the values of types, which pg_type and pg_cast name though nobody calls them.
 */
import type { BuiltInNames } from '../types/reg-procedures.js';
import { typeByName } from '../types/registry.js';
import { FUNCTION_OIDS } from './oid-table.js';
import { allProcedures } from './procedure-oids.js';

interface Named {
  readonly oid: number;
  readonly name: string;
  readonly argOids: readonly number[];
}

/** 'int4in(cstring)', 'int4out(int4)', 'int4recv(internal)', 'int4send(int4)' */
const OF_TYPES = /(?:in|recv)\((?:cstring|internal)\b|(?:out|send)\(\w+\)$/;

function* all(): Iterable<Named> {
  const seen = new Set<number>();
  for (const { oid, entry } of allProcedures()) {
    seen.add(oid);
    yield { oid, name: entry.name, argOids: entry.argOids };
  }
  for (const [signature, oid] of Object.entries(FUNCTION_OIDS)) {
    const open = signature.indexOf('(');
    const name = signature.slice(0, open);
    if (seen.has(oid) || !(OF_TYPES.test(signature) || typeByName(name) !== null)) continue;
    seen.add(oid);
    const types = signature
      .slice(open + 1, -1)
      .split(',')
      .map((name) => typeByName(name)?.oid ?? 0);
    if (!types.includes(0)) yield { oid, name, argOids: types };
  }
}

/** Made when first asked for: once every module of functions has been loaded. */
export function builtInNames(): BuiltInNames {
  let byOid: ReadonlyMap<number, Named> | null = null;
  const byName = new Map<string, Named[]>();
  const known = (): ReadonlyMap<number, Named> => {
    if (byOid !== null) return byOid;
    const found = new Map<number, Named>();
    for (const one of all()) {
      found.set(one.oid, one);
      const same = byName.get(one.name);
      if (same === undefined) byName.set(one.name, [one]);
      else same.push(one);
    }
    return (byOid = found);
  };
  return {
    find: (oid) => {
      const one = known().get(oid);
      return one === undefined ? null : { ...one, isOnly: byName.get(one.name)!.length === 1 };
    },
    oidsOf: (name, argOids) => {
      known();
      const types = argOids?.join();
      return (byName.get(name) ?? [])
        .filter((one) => types === undefined || one.argOids.join() === types)
        .map((one) => one.oid);
    },
  };
}
