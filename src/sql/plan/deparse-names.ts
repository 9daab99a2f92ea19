/**
 * What the relations and columns of one SELECT are called when its text is written again. Names are those of now; an
 * alias stands where the query had one, where two relations would have one name, or one of this query that of a query
 * around it, and where columns have other names in the query than by themselves.
 *
 * USING asks more: the columns that it merges have one name on both sides, whatever they are called by now, and no
 * other column on these sides may have it. So names go from the outer joins to the inner ones, and then to the tables.
 */
import type { Alias, JoinExpr, Node, RangeVar } from 'libpg-query';
import { known } from './deparse-place.js';
import { quoteIdentifier } from '../types/identifiers.js';
import { as, stringsOf } from './ast.js';
import { pinOf } from '../catalog/pins.js';
import type { BoundFrom, ScopeRelation } from './binder.js';
import type { PlanColumn } from './logical.js';
import type { QueryNotes } from './query-notes.js';

export interface RangeEntry {
  readonly kind: 'relation' | 'catalog' | 'with' | 'subquery' | 'function' | 'join';
  /** null: a join without a name. */
  readonly name: string | null;
  readonly bound: BoundFrom;
  readonly columns: readonly PlanColumn[];
  /** One for each of the columns. */
  readonly names: string[];
  /** Whether the names of the columns have to be written. */
  named: boolean;
  /** It was written with an alias. */
  readonly alias: Alias | undefined;
  /** Of a join: the names of merged columns. */
  readonly using: string[];
}

function aliasOf(node: Node): Alias | undefined {
  const sample = as(node, 'RangeTableSample');
  if (sample !== undefined) return aliasOf(sample.relation!);
  const item = as(node, 'RangeVar') ?? as(node, 'RangeSubselect') ?? as(node, 'RangeFunction') ?? as(node, 'JoinExpr');
  return item?.alias;
}

export function rangeVarOf(node: Node): RangeVar | undefined {
  const sample = as(node, 'RangeTableSample');
  return as(sample === undefined ? node : sample.relation, 'RangeVar');
}

function kindOfItem(node: Node, bound: BoundFrom): RangeEntry['kind'] {
  if (as(node, 'JoinExpr') !== undefined) return 'join';
  if (as(node, 'RangeSubselect') !== undefined) return 'subquery';
  if (as(node, 'RangeFunction') !== undefined) return 'function';
  if (bound.plan.kind === 'ctescan') return 'with';
  return bound.plan.kind === 'virtual' ? 'catalog' : 'relation';
}

/** What the column is called where no alias says otherwise. */
function ownName(relation: ScopeRelation, bound: BoundFrom, column: PlanColumn): string {
  const described = relation.rowOf?.relation?.columns.find((c) => c.id === column.columnNumber);
  if (described !== undefined) return described.name;
  if (bound.plan.kind === 'virtual')
    return bound.plan.relation.columns[bound.plan.columns.findIndex((c) => c.id === column.id)]!.name;
  return bound.plan.columns.find((c) => c.id === column.id)?.name ?? column.name;
}

function shown(bound: BoundFrom): PlanColumn[] {
  return bound.columns.filter((c) => !c.hidden).map((c) => c.column);
}

/** Also those that a table has got since the query was stored: they are in the way of other names. */
function columnsNow(kind: RangeEntry['kind'], bound: BoundFrom): readonly PlanColumn[] {
  return (kind === 'relation' ? bound.relations[0]?.rowOf?.columns : undefined) ?? shown(bound);
}

/** Names that an alias gives, by the columns' ids. */
function writtenNames(node: Node, bound: BoundFrom): Map<number, string> {
  const names = stringsOf(aliasOf(node)?.colnames);
  const range = rangeVarOf(node);
  const pin = range === undefined ? undefined : pinOf(range);
  const at = (c: PlanColumn, i: number): number =>
    pin === undefined ? i : pin.columns.findIndex(([id]) => id === c.columnNumber);
  return new Map(
    shown(bound).flatMap((c, i): [number, string][] => {
      const name = names[at(c, i)];
      return name === undefined ? [] : [[c.id, name]];
    }),
  );
}

function unique(name: string, isTaken: (name: string) => boolean): string {
  let made = name;
  for (let i = 1; isTaken(made); i++) made = `${name}_${i}`;
  return made;
}

interface Place {
  readonly entry: RangeEntry;
  readonly at: number;
}

export class Level {
  readonly entries = new Map<Node, RangeEntry>();
  readonly parent: Level | null;
  readonly #notes: QueryNotes;
  readonly #places = new Map<number, Place>();
  /** Names that USING gives to columns. */
  readonly #merged = new Map<number, string>();
  readonly #relationNames = new Set<string>();
  /** A merged column is known by its name alone, so that no other column may have it. */
  readonly #guarded: boolean;

  constructor(parent: Level | null, items: readonly Node[], notes: QueryNotes) {
    this.parent = parent;
    this.#notes = notes;
    this.#guarded = items.some((item) => this.#makesColumns(item));
    for (const item of items) this.#mergeNames(item);
    for (const item of items) this.#collect(item, this.#guarded ? [...this.#merged.values()] : []);
  }

  has(id: number): boolean {
    return this.#places.has(id);
  }

  /** The column with its relation's name, as SQL; null if it is none of this query. */
  column(id: number): { readonly text: string; readonly name: string; readonly relation: string | null } | null {
    const place = this.#places.get(id);
    if (place === undefined) return null;
    const name = place.entry.names[place.at]!;
    const relation = place.entry.name;
    const column = quoteIdentifier(name);
    return { text: relation === null ? column : `${quoteIdentifier(relation)}.${column}`, name, relation };
  }

  entryOf(id: number): RangeEntry | null {
    return this.#places.get(id)?.entry ?? null;
  }

  #bound(node: Node): BoundFrom {
    const bound = known(this.#notes.from.get(node), 'an item of FROM was not bound');
    return bound;
  }

  // ---- USING ----

  #makesColumns(node: Node): boolean {
    const join = as(node, 'JoinExpr');
    if (join === undefined) return false;
    const made = this.#mergedColumns(node, join).some((m) => m.made !== m.left && m.made !== m.right);
    return made || this.#makesColumns(join.larg!) || this.#makesColumns(join.rarg!);
  }

  #mergeNames(node: Node): void {
    const join = as(node, 'JoinExpr');
    if (join === undefined) return;
    for (const { name, left, right, made } of this.#mergedColumns(node, join)) {
      const known = new Set(this.#guarded ? this.#merged.values() : []);
      const given = this.#merged.get(made) ?? unique(name, (n) => known.has(n));
      for (const id of [left, right, made]) this.#merged.set(id, given);
    }
    this.#mergeNames(join.larg!);
    this.#mergeNames(join.rarg!);
  }

  /** Each with the ids of the columns that are merged, and of what they make. */
  #mergedColumns(node: Node, join: JoinExpr): { name: string; left: number; right: number; made: number }[] {
    const [l, r] = [shown(this.#bound(join.larg!)), shown(this.#bound(join.rarg!))];
    const using =
      join.isNatural === true
        ? l.filter((c) => r.some((other) => other.name === c.name)).map((c) => c.name)
        : stringsOf(join.usingClause);
    const made = shown(this.#bound(node));
    const written = stringsOf(join.alias?.colnames);
    return using.map((name, i) => ({
      name: written[i] ?? name,
      left: l.find((c) => c.name === name)!.id,
      right: r.find((c) => c.name === name)!.id,
      made: made[i]!.id,
    }));
  }

  // ---- relations ----

  #collect(node: Node, outerNames: readonly string[]): void {
    const bound = this.#bound(node);
    const join = as(node, 'JoinExpr');
    const merged = join === undefined ? [] : this.#mergedColumns(node, join);
    const using = merged.map(({ left }) => this.#merged.get(left)!);
    if (join !== undefined) {
      const names = [...outerNames, ...using];
      this.#collect(join.larg!, names);
      this.#collect(join.rarg!, names);
    }
    const kind = kindOfItem(node, bound);
    const alias = aliasOf(node);
    const columns = join === undefined ? columnsNow(kind, bound) : this.#joined(join, bound, merged);
    const entry = {
      kind,
      bound,
      columns,
      names: [],
      named: false,
      alias,
      using,
      name: this.#nameOf(node, kind, bound),
    };
    this.entries.set(node, entry);
    const written = writtenNames(node, bound);
    if (kind === 'join') this.#nameJoin(entry, written);
    else this.#nameColumns(entry, outerNames, written);
    this.#place(entry);
  }

  #nameOf(node: Node, kind: RangeEntry['kind'], bound: BoundFrom): string | null {
    const alias = aliasOf(node)?.aliasname;
    if (kind === 'join' && alias === undefined) return null;
    const relation = bound.relations[0];
    const now = bound.plan.kind === 'virtual' ? bound.plan.relation.name : relation?.rowOf?.relation?.name;
    const isTable = kind === 'relation' || kind === 'catalog';
    const own = alias ?? (isTable ? now : undefined) ?? relation?.alias ?? '';
    const name = unique(own, (taken) => this.#isRelation(taken));
    this.#relationNames.add(name);
    return name;
  }

  #isRelation(name: string): boolean {
    return this.#relationNames.has(name) || (this.parent !== null && this.parent.#isRelation(name));
  }

  #nameColumns(entry: RangeEntry, outerNames: readonly string[], written: ReadonlyMap<number, string>): void {
    const { columns, names, bound, kind } = entry;
    const relation = bound.relations[0]!;
    const forced = columns.map((c) => this.#merged.get(c.id));
    const taken = new Set([...outerNames, ...forced.filter((name) => name !== undefined)]);
    let changed = false;
    columns.forEach((column, i) => {
      const own = ownName(relation, bound, column);
      const name = forced[i] ?? unique(written.get(column.id) ?? own, (n) => taken.has(n));
      taken.add(name);
      names.push(name);
      if (name !== own) changed = true;
    });
    const isTable = kind === 'relation' || kind === 'catalog';
    entry.named = changed || kind === 'function' || (!isTable && written.size > 0);
  }

  /** What a join has: merged columns, then those of its sides. */
  #joined(
    join: JoinExpr,
    bound: BoundFrom,
    merged: readonly { left: number; right: number; made: number }[],
  ): PlanColumn[] {
    const sides = [join.larg!, join.rarg!].flatMap((side) => this.entries.get(side)!.columns);
    const made = merged.map((m) => m.made);
    const gone = new Set(merged.flatMap((m) => [m.left, m.right, m.made]));
    const all = [...sides, ...shown(bound)];
    return [...made.map((id) => all.find((c) => c.id === id)!), ...sides.filter((c) => !gone.has(c.id))];
  }

  #nameJoin(entry: RangeEntry, written: ReadonlyMap<number, string>): void {
    const inside = entry.columns.map((c) => this.#merged.get(c.id) ?? this.column(c.id)?.name ?? c.name);
    if (entry.name === null) {
      entry.names.push(...inside);
      return;
    }
    // Those that the query knows have their names first.
    const old = new Set(shown(entry.bound).map((c) => c.id));
    const given = new Map<number, string>();
    const taken = new Set<string>();
    for (const isOld of [true, false])
      entry.columns.forEach(({ id }, i) => {
        if (old.has(id) !== isOld) return;
        const wanted = this.#merged.get(id) ?? written.get(id) ?? inside[i]!;
        const name = unique(wanted, (n) => taken.has(n));
        taken.add(name);
        given.set(id, name);
      });
    entry.names.push(...entry.columns.map(({ id }) => given.get(id)!));
    entry.named = entry.names.some((name, i) => name !== inside[i]);
  }

  #place(entry: RangeEntry): void {
    entry.columns.forEach(({ id }, at) => {
      // What an unnamed join has it has from its sides, but for merged columns that are neither's.
      if (entry.name !== null || !this.#places.has(id)) this.#places.set(id, { entry, at });
    });
  }
}
