/** pg_proc's rows of what users made. */
import { PgArray } from '../../types/datum.js';
import { OID } from '../../types/oids.js';
import { pinsIn } from '../../types/pinned-types.js';
import { userTypeOf } from '../../types/user-types.js';
import { catalogOidOf, elementOidOf } from '../../types/registry.js';
import { standardBodyOf } from '../../functions/routine-text.js';
import type { Routine, RoutineDescriptor, RoutineParameter, StoredCall } from '../descriptor.js';
import { INTERNAL_LANGUAGE, PLPGSQL_LANGUAGE, SQL_LANGUAGE } from './cluster-wide.js';
import { functionsNamed } from '../../functions/define.js';
import type { Values } from './layout.js';
import { relationsWithin } from '../row-types.js';
import type { Model } from './model.js';
import { aclArray, oidvector, textArray } from './model.js';
import { SUPERUSER_OID } from '../bootstrap-names.js';

const ROUTINES = 1255;
const CONSTRAINTS = 2606;
const TYPES = 1247;
const RELATIONS = 1259;
const VOLATILITY = { immutable: 'i', stable: 's', volatile: 'v' } as const;
const PARALLEL = { safe: 's', restricted: 'r', unsafe: 'u' } as const;
const MODES = { in: 'i', out: 'o', inout: 'b', variadic: 'v', table: 't' } as const;

export function* routineRows(model: Model): Iterable<Values> {
  for (const group of model.routines) for (const routine of group.routines) yield row(model, group, routine);
}

/** Of the input parameters; a procedure's OUT parameters are among them (PostgreSQL 15). */
function inputs({ parameters, procedure }: Routine): readonly RoutineParameter[] {
  return parameters.filter((p) => p.mode !== 'table' && (p.mode !== 'out' || procedure));
}

function languageOf({ language, aggregate }: Routine): number {
  if (aggregate !== undefined) return INTERNAL_LANGUAGE;
  return language === 'sql' ? SQL_LANGUAGE : PLPGSQL_LANGUAGE;
}

/** pg_aggregate's rows of those that users made. */
export function* userAggregates(model: Model): Iterable<Values> {
  for (const { routines } of model.routines) {
    for (const { oid, aggregate } of routines) {
      if (aggregate === undefined) continue;
      const { step, final, finalExtra, initial, typeOid, direct, others = {}, shown = {}, moving } = aggregate;
      yield {
        aggfnoid: oid,
        aggkind: direct?.kind ?? 'n',
        aggnumdirectargs: direct?.count ?? 0,
        aggtransfn: functionOid(step),
        aggfinalfn: final === null ? 0 : functionOid(final),
        aggfinalextra: finalExtra,
        // What ordered-set aggregates keep may change while it is sorted.
        aggfinalmodify: direct === undefined ? 'r' : 'w',
        aggmfinalmodify: direct === undefined ? 'r' : 'w',
        ...Object.fromEntries(Object.entries(others).map(([column, call]) => [column, functionOid(call)])),
        ...shown,
        aggmtranstype: moving === undefined ? 0 : catalogOidOf(moving.typeOid),
        aggtranstype: catalogOidOf(typeOid),
        agginitval: initial,
      };
    }
  }
}

function functionOid({ name, used }: StoredCall): number {
  return used?.routine.oid ?? functionsNamed(name)[0]?.oid ?? 0;
}

function row(model: Model, group: RoutineDescriptor, routine: Routine): Values {
  const taken = inputs(routine);
  const { parameters } = routine;
  const variadic = parameters.find((p) => p.mode === 'variadic');
  const plain = parameters.every((p) => p.mode === 'in');
  const named = parameters.some((p) => p.name !== '');
  // A CALL answers with a row, be it of one value.
  const givesRecord = routine.procedure && parameters.some((p) => p.mode === 'inout' || p.mode === 'out');
  return {
    oid: routine.oid,
    proname: group.name,
    pronamespace: group.schemaId,
    proowner: routine.owner ?? SUPERUSER_OID,
    proacl: aclArray(model, routine.acl),
    prolang: languageOf(routine),
    procost: routine.cost ?? (routine.aggregate === undefined ? 100 : 1),
    prorows: routine.rows ?? (routine.set ? 1000 : 0),
    proleakproof: routine.leakproof === true,
    provariadic: variadic === undefined ? 0 : catalogOidOf(elementOidOf(variadic.typeOid)),
    prokind: routine.aggregate !== undefined ? 'a' : routine.procedure ? 'p' : 'f',
    prosecdef: routine.securityDefiner,
    ...(routine.config == null ? {} : { proconfig: textArray(routine.config) }),
    proisstrict: routine.strict,
    proretset: routine.set,
    provolatile: VOLATILITY[routine.volatility],
    proparallel: PARALLEL[routine.parallel ?? 'unsafe'],
    pronargs: taken.length,
    pronargdefaults: taken.filter((p) => p.defaultSql !== null).length,
    prorettype: givesRecord ? OID.record : routine.rowsOf == null ? catalogOidOf(routine.typeOid) : routine.rowsOf,
    proargtypes: oidvector(taken.map((p) => catalogOidOf(p.typeOid))),
    ...(plain
      ? {}
      : {
          proallargtypes: new PgArray(
            OID.oid,
            parameters.map((p) => catalogOidOf(p.typeOid)),
          ),
          proargmodes: new PgArray(
            OID.char,
            parameters.map((p) => MODES[p.mode]),
          ),
        }),
    ...(named ? { proargnames: textArray(parameters.map((p) => p.name)) } : {}),
    // A body in standard SQL stands elsewhere in PostgreSQL, as a tree.
    prosrc: standardBodyOf(routine) === null ? routine.body : '',
  };
}

/** pg_dump must make a function before the domain whose check calls it. */
export function* domainDependencies(model: Model): Iterable<Values> {
  for (const { typeOid } of model.types) {
    const type = userTypeOf(typeOid);
    if (type?.kind !== 'domain') continue;
    const byDefault = new Set(pinsIn(type.defaultSql ?? ''));
    for (const { routine } of type.usedRoutines ?? [])
      if (byDefault.has(routine.oid))
        yield { classid: TYPES, objid: type.oid, refclassid: ROUTINES, refobjid: routine.oid, deptype: 'n' };
    for (const { oid, expressionSql } of type.checks) {
      const called = new Set(pinsIn(expressionSql));
      for (const { routine } of type.usedRoutines ?? [])
        if (called.has(routine.oid))
          yield { classid: CONSTRAINTS, objid: oid, refclassid: ROUTINES, refobjid: routine.oid, deptype: 'n' };
    }
  }
}

/** pg_dump must make the table before a function over its rows, and a function before the defaults that call it. PostgreSQL names the table's row type, which pg_type lacks here. */
export function* routineDependencies(model: Model): Iterable<Values> {
  for (const { routines } of model.routines) {
    for (const { oid, rowsOf, typeOid, parameters, usedRoutines = [], reads = [] } of routines) {
      for (const { routine } of usedRoutines)
        yield { classid: ROUTINES, objid: oid, refclassid: ROUTINES, refobjid: routine.oid, deptype: 'n' };
      const relations = new Set(relationsWithin([typeOid, ...parameters.map((p) => p.typeOid)]));
      if (rowsOf != null) relations.add(rowsOf);
      for (const id of reads) relations.add(id);
      for (const id of relations) {
        if (model.view.byId.has(id))
          yield { classid: ROUTINES, objid: oid, refclassid: RELATIONS, refobjid: id, deptype: 'n' };
      }
    }
  }
}
