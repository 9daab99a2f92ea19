/**
 * Functions of users in stored expressions and queries. A descriptor that calls one holds its whole definition, as it
 * does of types, so that a table is read and written without a look at its functions; a change of a function changes,
 * with a new version, everything that calls it (ddl/routine-users.ts).
 *
 * What a schema change has resolved or read is kept here for the transaction: whatever descriptor it writes is given
 * from it what its texts name.
 *
 * Invariant: what is noted last is what holds. Descriptors are noted when they are opened, so that it is so after a
 * savepoint is rolled back to as well.
 */
import { sqlError } from '../../base/errors.js';
import type { ResolvedRoutines } from '../contract.js';
import { pinsIn } from '../types/pinned-types.js';
import { userTypeOf } from '../types/user-types.js';
import type {
  Descriptor,
  RoutineDescriptor,
  RowExpression,
  StoredCall,
  TableDescriptor,
  UsedRoutine,
  ViewDescriptor,
} from './descriptor.js';
import { isTemporarySchemaName } from './temporary-names.js';

type Caller = TableDescriptor | ViewDescriptor;

export class UsedRoutines {
  readonly #known = new Map<number, UsedRoutine>();
  readonly #temporary = new Set<number>();

  note(used: readonly UsedRoutine[] | undefined): void {
    for (const one of used ?? []) this.#known.set(one.routine.oid, one);
  }

  noteFound(groups: readonly ResolvedRoutines[]): void {
    for (const { id, schema, name, routines } of groups) {
      this.note(routines.map((routine) => ({ groupId: id, name, routine })));
      if (isTemporarySchemaName(schema)) for (const { oid } of routines) this.#temporary.add(oid);
    }
  }

  find(oid: number): UsedRoutine | null {
    return this.#known.get(oid) ?? null;
  }

  /** @throws 0A000 */
  refuseTemporary(oid: number): void {
    if (this.#temporary.has(oid))
      throw sqlError('0A000', 'a stored expression that calls a temporary function is not supported');
  }

  #completeRoutines(group: RoutineDescriptor): RoutineDescriptor {
    if (group.routines.every(({ aggregate, usedRoutines }) => aggregate === undefined && usedRoutines === undefined))
      return group;
    const current = <C extends StoredCall | null>(call: C): C =>
      call?.used == null ? call : { ...call, used: this.#known.get(call.used.routine.oid) ?? call.used };
    const routines = group.routines.map((routine) => {
      const { aggregate, usedRoutines } = routine;
      if (usedRoutines !== undefined)
        return { ...routine, usedRoutines: usedRoutines.map((used) => this.#known.get(used.routine.oid) ?? used) };
      if (aggregate === undefined) return routine;
      return {
        ...routine,
        aggregate: {
          ...aggregate,
          step: current(aggregate.step),
          final: current(aggregate.final),
          ...(aggregate.others === undefined
            ? {}
            : {
                others: Object.fromEntries(Object.entries(aggregate.others).map(([key, call]) => [key, current(call)])),
              }),
        },
      };
    });
    return { ...group, routines };
  }

  /** The descriptor with the functions that it calls. @throws 0A000 for one that goes with the session */
  complete(descriptor: Descriptor): Descriptor {
    if (descriptor.kind === 'routine') return this.#completeRoutines(descriptor);
    if (descriptor.kind !== 'table' && descriptor.kind !== 'view') return descriptor;
    const before = new Map((descriptor.usedRoutines ?? []).map((used) => [used.routine.oid, used]));
    const usedRoutines: UsedRoutine[] = [];
    for (const oid of new Set([...calledIn(descriptor), ...calledByQuery(descriptor)])) {
      this.refuseTemporary(oid);
      // What is neither is the pin of a type.
      const used = this.#known.get(oid) ?? before.get(oid);
      if (used !== undefined) usedRoutines.push(used);
    }
    if (usedRoutines.length === 0 && before.size === 0) return descriptor;
    return { ...descriptor, usedRoutines };
  }
}

/** The functions of users that the aggregates among them run, or defaults of their parameters and bodies in standard SQL call. */
export function runBy(group: Pick<RoutineDescriptor, 'routines'>): UsedRoutine[] {
  return group.routines.flatMap(({ aggregate, usedRoutines = [] }) =>
    aggregate === undefined
      ? usedRoutines
      : [aggregate.step, aggregate.final, ...Object.values(aggregate.others ?? {})].flatMap((call) =>
          call?.used == null ? [] : [call.used],
        ),
  );
}

export function calls(descriptor: Descriptor, oid: number): boolean {
  if (descriptor.kind === 'routine') return runBy(descriptor).some(({ routine }) => routine.oid === oid);
  if (descriptor.kind === 'type') {
    const type = userTypeOf(descriptor.typeOid);
    return type?.kind === 'domain' && (type.usedRoutines ?? []).some(({ routine }) => routine.oid === oid);
  }
  return (
    (descriptor.kind === 'table' || descriptor.kind === 'view') &&
    (descriptor.usedRoutines ?? []).some(({ routine }) => routine.oid === oid)
  );
}

export function callsIn(sql: string | null | undefined, oid: number): boolean {
  return sql != null && pinsIn(sql).includes(oid);
}

/** Whether the view's query itself calls it. */
export function queryCalls(descriptor: Caller, oid: number): boolean {
  return calledByQuery(descriptor).includes(oid);
}

function calledByQuery(descriptor: Caller): number[] {
  const tree = descriptor.kind === 'view' ? descriptor.queryTree : descriptor.materialized?.queryTree;
  return tree === undefined ? [] : [...tree.matchAll(/"@(\d+)\//g)].map((found) => Number(found[1]));
}

function calledIn(descriptor: Caller): number[] {
  const texts: (RowExpression | string | null | undefined)[] = descriptor.columns.map((c) => c.defaultSql);
  if (descriptor.kind === 'table') {
    texts.push(...descriptor.columns.map((c) => c.generated), ...descriptor.checks);
    for (const index of descriptor.indexes)
      texts.push(index.predicate, ...index.columns.map(({ expression }) => expression));
  }
  return texts.flatMap((text) => (text == null ? [] : pinsIn(typeof text === 'string' ? text : text.expressionSql)));
}
