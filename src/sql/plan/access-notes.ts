/**
 * What a statement needs to be allowed, noted while it is bound: for each relation that it names the rights, with the columns, and whose
 * rights count. What a view's query reads is asked of the view's owner, unless the view says security_invoker.
 *
 * Columns are known by the ids that the plan gives them. A view's columns have the ids of what its query gives, so that ids mean one thing
 * inside of the view and another outside: each query of a view is a context of its own.
 */
import { RIGHTS } from '../catalog/acl.js';
import type { Routine, ViewDescriptor } from '../catalog/descriptor.js';
import type { AccessNeed } from '../contract.js';
import type { PlanColumn } from './logical.js';

/** The parts of a need that grow while the statement is bound. */
export interface AccessEntry {
  readonly relationId: number;
  readonly name: string;
  readonly virtual: boolean;
  rights: number;
  readonly as: number | null;
  readonly selected: Set<number>;
  readonly inserted: Set<number>;
  readonly updated: Set<number>;
  /** For whose sake it is read: it needs to be readable only if that one is read. */
  readonly outer: AccessEntry | null;
}

interface Named {
  readonly entry: AccessEntry;
  readonly column: number;
}

interface Context {
  /** null: whoever runs the statement. */
  readonly as: number | null;
  /** Columns are noted, the right to read is not: that depends on what the statement does with the view. */
  readonly quiet: boolean;
  readonly columns: Map<number, Named>;
}

/** Whose rights count for what a view reads: with security_invoker the user's, also inside of a view that has an owner's. */
export function viewReader(view: ViewDescriptor): number | null {
  return view.options?.['security_invoker'] === 'true' ? null : view.owner;
}

export class AccessNotes {
  readonly #entries: AccessEntry[] = [];
  readonly #calls = new Map<number, { readonly name: string; readonly routine: Routine }>();
  #context: Context = { as: null, quiet: false, columns: new Map() };

  get as(): number | null {
    return this.#context.as;
  }

  relation(
    relation: { readonly id: number; readonly name: string },
    rights: number,
    more: { readonly virtual?: boolean; readonly as?: number | null; readonly outer?: AccessEntry } = {},
  ): AccessEntry {
    const entry: AccessEntry = {
      relationId: relation.id,
      name: relation.name,
      virtual: more.virtual === true,
      rights,
      as: more.as === undefined ? this.#context.as : more.as,
      selected: new Set(),
      inserted: new Set(),
      updated: new Set(),
      outer: more.outer ?? null,
    };
    this.#entries.push(entry);
    return entry;
  }

  /** These are columns of the relation, under the numbers that they have there. */
  columns(entry: AccessEntry, columns: readonly PlanColumn[], numbers: readonly number[] | null = null): void {
    columns.forEach((column, i) => {
      const number = numbers === null ? column.columnNumber : numbers[i]!;
      this.#context.columns.set(column.id, { entry, column: number });
    });
  }

  /** Something reads the column. */
  note(column: { readonly id: number }): void {
    const named = this.#context.columns.get(column.id);
    if (named === undefined) return;
    named.entry.selected.add(named.column);
    if (!this.#context.quiet) named.entry.rights |= RIGHTS.select;
  }

  /** Binds what stands in a view. */
  within<T>(as: number | null, quiet: boolean, bind: () => T): T {
    const before = this.#context;
    this.#context = { as, quiet, columns: new Map() };
    try {
      return bind();
    } finally {
      this.#context = before;
    }
  }

  /** A function of a user is called. */
  call(name: string, routine: Routine): void {
    this.#calls.set(routine.oid, { name, routine });
  }

  get calls(): readonly { readonly name: string; readonly routine: Routine }[] {
    return [...this.#calls.values()];
  }

  needs(): readonly AccessNeed[] {
    return this.#entries.map((entry) => {
      const { relationId, name, virtual, as, selected, inserted, updated } = entry;
      return {
        relationId,
        name,
        virtual,
        as,
        rights: isReadThrough(entry) ? entry.rights | RIGHTS.select : entry.rights,
        selected: [...selected],
        inserted: [...inserted],
        updated: [...updated],
      };
    });
  }
}

function isReadThrough({ outer }: AccessEntry): boolean {
  return outer !== null && ((outer.rights & RIGHTS.select) !== 0 || isReadThrough(outer));
}

/** The rights with which a statement changes rows. */
export const CHANGES = { insert: RIGHTS.insert, update: RIGHTS.update, delete: RIGHTS.delete } as const;
