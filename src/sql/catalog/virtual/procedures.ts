/**
 * pg_proc, pg_aggregate, pg_operator and pg_cast from the very lists that run. Oids of what PostgreSQL does not
 * have: see functions/procedure-oids.ts.
 *
 * Limits: transition functions of aggregates are not functions of their own here, so that their columns are 0.
 */
import { PgArray } from '../../types/datum.js';
import { OID } from '../../types/oids.js';
import { elementOidOf, findTypeByOid } from '../../types/registry.js';
import { allCasts } from '../../types/casts.js';
import { allOperators } from '../../functions/index.js';
import { FUNCTION_OIDS } from '../../functions/oid-table.js';
import { isHypotheticalSet } from '../../functions/hypothetical.js';
import { isOrderedSet } from '../../functions/ordered-set.js';
import { allProcedures, isAggregate, numberEntries } from '../../functions/procedure-oids.js';
import type { FunctionEntry } from '../../functions/entry.js';
import { INFORMATION_SCHEMA_ID, PG_CATALOG_SCHEMA_ID } from '../bootstrap.js';
import { SUPERUSER, SUPERUSER_OID } from '../bootstrap-names.js';
import { itemText } from '../acl.js';
import { PREDEFINED } from '../roles.js';
import { argumentNames } from '../../functions/argument-names.js';
import { aclOfBuiltIn } from '../../functions/restricted.js';
import { INTERNAL_LANGUAGE } from './cluster-wide.js';
import type { Values } from './layout.js';
import { oidvector, textArray } from './model.js';
import { languageHandlers, typeFunctions, windowFunctions } from './type-functions.js';
import { operatorFacts } from '../../functions/operator-facts.js';

const FIRST_OWN_OPERATOR = 15500;
const FIRST_CAST = 10000;
/** State of an aggregate is a value of this program, not of SQL. */
const INTERNAL_TYPE = 2281;

const VOLATILITY = { immutable: 'i', stable: 's', volatile: 'v' } as const;

function outColumns(entry: FunctionEntry, names: readonly string[] | null): Values {
  const columns = entry.resultColumns;
  const inputs = entry.argOids;
  if (columns === null) {
    if (!entry.variadic) return {};
    const modes = inputs.map((_, i) => (i === inputs.length - 1 ? 'v' : 'i'));
    return { proallargtypes: new PgArray(OID.oid, [...inputs]), proargmodes: new PgArray(OID.char, modes) };
  }
  return {
    proallargtypes: new PgArray(OID.oid, [...inputs, ...columns.map((column) => column.typeOid)]),
    proargmodes: new PgArray(OID.char, [...inputs.map(() => 'i'), ...columns.map(() => 'o')]),
    proargnames: textArray([...(names ?? inputs.map(() => '')), ...columns.map((column) => column.name)]),
  };
}

/** The last one takes what is left. */
function variadicInputs({ argOids }: FunctionEntry): Values {
  return {
    proallargtypes: new PgArray(OID.oid, [...argOids]),
    proargmodes: new PgArray(
      OID.char,
      argOids.map((_, i) => (i < argOids.length - 1 ? 'i' : 'v')),
    ),
  };
}

const BUILT_IN_ROLES = new Map(PREDEFINED.map((role) => [role.id, role]));

function builtInAcl(name: string): PgArray | null {
  const acl = aclOfBuiltIn(name);
  if (acl === null) return null;
  const nameOf = (id: number): string =>
    id === SUPERUSER_OID ? SUPERUSER : (BUILT_IN_ROLES.get(id)?.name ?? String(id));
  return new PgArray(
    OID.aclitem,
    acl.map((item) => itemText(item, nameOf)),
  );
}

/** Not everybody's from the beginning: pg_dump writes what has become of that since. */
export function* initialRoutinePrivileges(): Iterable<Values> {
  for (const { oid, entry } of allProcedures()) {
    const initprivs = isAggregate(entry) ? null : builtInAcl(entry.name);
    if (initprivs !== null) yield { objoid: oid, classoid: 1255, privtype: 'i', initprivs };
  }
}

export function* procedures(): Iterable<Values> {
  const builtIn = {
    pronamespace: PG_CATALOG_SCHEMA_ID,
    proowner: SUPERUSER_OID,
    prolang: INTERNAL_LANGUAGE,
    procost: 1,
    proparallel: 's',
  };
  const listed = new Set<number>();
  for (const { oid, entry } of allProcedures()) {
    listed.add(oid);
    const shared = {
      ...builtIn,
      oid,
      proname: entry.name,
      pronamespace: entry.name === '_pg_expandarray' ? INFORMATION_SCHEMA_ID : PG_CATALOG_SCHEMA_ID,
      pronargs: entry.argOids.length,
      prorettype: entry.resultOid,
      proargtypes: oidvector(entry.argOids),
    };
    if (isAggregate(entry)) {
      yield { ...shared, prokind: 'a', provolatile: 'i', prosrc: 'aggregate_dummy' };
      continue;
    }
    const names = argumentNames(oid);
    const last = entry.argOids[entry.argOids.length - 1] ?? 0;
    yield {
      ...shared,
      ...(names === null ? {} : { proargnames: textArray(names) }),
      ...(entry.variadic ? variadicInputs(entry) : outColumns(entry, names)),
      prokind: 'f',
      proisstrict: entry.strict,
      proretset: entry.returnsSet,
      prorows: entry.returnsSet ? 1000 : 0,
      provolatile: VOLATILITY[entry.volatility],
      pronargdefaults: entry.defaults.length,
      proacl: builtInAcl(entry.name),
      prosrc: entry.name,
      provariadic: entry.variadic ? elementOidOf(last) || last : 0,
    };
  }
  for (const one of typeFunctions())
    if (!listed.has(one.oid)) yield { ...builtIn, ...one, prokind: 'f', proisstrict: true };
  for (const one of [...windowFunctions(), ...languageHandlers()]) yield { ...builtIn, ...one };
}

export function* aggregates(): Iterable<Values> {
  for (const { oid, entry } of allProcedures()) {
    if (!isAggregate(entry)) continue;
    const ordered = isOrderedSet(entry);
    const kind = isHypotheticalSet(entry)
      ? { aggkind: 'h', aggnumdirectargs: 1 }
      : ordered
        ? { aggkind: 'o', aggnumdirectargs: entry.argOids.length - 1 }
        : { aggkind: 'n' };
    yield { aggfnoid: oid, ...kind, aggfinalmodify: 'r', aggmfinalmodify: 'r', aggtranstype: INTERNAL_TYPE };
  }
}

export function* operators(): Iterable<Values> {
  for (const { oid, entry } of numberEntries(allOperators(), FIRST_OWN_OPERATOR)) {
    const facts = operatorFacts().get(oid);
    const prefix = entry.argOids.length === 1;
    yield {
      oid,
      oprname: entry.name,
      oprnamespace: PG_CATALOG_SCHEMA_ID,
      oprowner: SUPERUSER_OID,
      oprkind: prefix ? 'l' : 'b',
      oprcanmerge: facts?.merges ?? false,
      oprcanhash: facts?.hashes ?? false,
      oprleft: prefix ? 0 : entry.argOids[0]!,
      oprright: entry.argOids[prefix ? 0 : 1]!,
      oprresult: entry.resultOid,
      oprcom: facts?.commutator ?? 0,
      oprnegate: facts?.negator ?? 0,
      oprcode: facts?.code ?? 0,
    };
  }
}

const CONTEXT = { implicit: 'i', assignment: 'a', explicit: 'e' } as const;

const TEXT_TARGETS: ReadonlySet<string> = new Set(['text', 'varchar', 'bpchar']);

/** Names of objects, which are oids: to and from integers as these. */
const isName = (type: string): boolean => type.startsWith('reg') || type === 'oid';

/** PostgreSQL names the function of a cast after its target; one without such a function goes through text. null: it needs none. */
function castFunction(source: number, target: number): number | null {
  const from = source === OID.varchar || source === OID.bpchar ? 'text' : (findTypeByOid(source)?.name ?? '');
  const type = findTypeByOid(target)?.name ?? '';
  if ((isName(from) && (isName(type) || type === 'int4')) || (from === 'int4' && isName(type))) return null;
  if (from === 'int2' && isName(type)) return FUNCTION_OIDS['int4(int2)'] ?? 0;
  const exact = namedCast(findTypeByOid(source)?.name ?? '', type);
  const to = isName(type) && from === 'int8' ? 'oid' : type;
  return exact ?? namedCast(isName(from) && to === 'int8' ? 'oid' : from, to) ?? 0;
}

function namedCast(from: string, to: string): number | undefined {
  return (
    FUNCTION_OIDS[`${to}(${from})`] ??
    FUNCTION_OIDS[`${to}(${from},int4)`] ??
    FUNCTION_OIDS[`${to}(${from},int4,bool)`] ??
    (TEXT_TARGETS.has(to) ? FUNCTION_OIDS[`text(${from === 'cidr' ? 'inet' : from})`] : undefined)
  );
}

export function casts(): Values[] {
  return allCasts().map(({ source, target, context, binary }, i) => {
    const found = binary ? null : castFunction(source, target);
    const castfunc = found ?? 0;
    const castmethod = found === null ? 'b' : castfunc === 0 ? 'i' : 'f';
    return {
      oid: FIRST_CAST + i,
      castsource: source,
      casttarget: target,
      castfunc,
      castcontext: CONTEXT[context],
      castmethod,
    };
  });
}
