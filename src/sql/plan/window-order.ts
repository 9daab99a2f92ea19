/**
 * In which order the windows of one query are computed, which is also the order that its rows come in if nothing
 * sorts them afterwards. As in PostgreSQL: every expression that rows are sorted by has a number, given first to those
 * of ORDER BY and GROUP BY, then window by window (those of the WINDOW clause first) to its ORDER BY and its PARTITION
 * BY. Windows are compared by the numbers of their keys, partition before order: greater ones go first, and of two
 * that begin alike the longer one, so that a window whose keys begin another's finds its rows sorted already, and the
 * one that the query's ORDER BY begins with comes last.
 */
import { sameExpr, sameWindow } from './expr.js';
import type { Expr, SortKey, WindowExpr } from './expr.js';

interface Key extends Omit<SortKey, 'expr'> {
  readonly number: number;
}

export function orderWindows<W extends { readonly window: WindowExpr }>(
  windows: readonly W[],
  leading: readonly Expr[],
): readonly W[] {
  const groups: W[][] = [];
  for (const w of windows) {
    const same = groups.find((group) => sameWindow(group[0]!.window, w.window));
    if (same === undefined) groups.push([w]);
    else same.push(w);
  }
  if (groups.length === 1) return windows;
  const numbered: Expr[] = [];
  const numberOf = (e: Expr): number => {
    const known = numbered.findIndex((other) => sameExpr(other, e));
    return known >= 0 ? known : numbered.push(e) - 1;
  };
  for (const e of leading) numberOf(e);
  const place = (group: readonly W[]): number => Math.min(...group.map(({ window }) => window.declared ?? Infinity));
  const written = groups.map((group, i) => ({ group, i, place: place(group) }));
  written.sort((a, b) => (a.place === b.place ? a.i - b.i : a.place - b.place));
  const sorted = written.map(({ group }) => ({ group, keys: keysOf(group[0]!.window, numberOf) }));
  sorted.sort((a, b) => compareKeys(a.keys, b.keys));
  return sorted.flatMap(({ group }) => group);
}

function keysOf(window: WindowExpr, numberOf: (e: Expr) => number): readonly Key[] {
  const keyOf = (key: SortKey): Key => ({ ...key, number: numberOf(key.expr) });
  const order = window.orderBy.map(keyOf);
  const partition = window.partition.map((expr) => keyOf({ expr, descending: false, nullsFirst: false }));
  const added = order.filter((key) => !partition.some((other) => compareKey(other, key) === 0));
  return [...partition, ...added];
}

function compareKey(a: Key, b: Key): number {
  if (a.number !== b.number) return b.number - a.number;
  if (a.descending !== b.descending) return a.descending ? 1 : -1;
  if (a.nullsFirst !== b.nullsFirst) return a.nullsFirst ? -1 : 1;
  return Number(a.byCodePoints ?? false) - Number(b.byCodePoints ?? false);
}

function compareKeys(a: readonly Key[], b: readonly Key[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareKey(a[i]!, b[i]!);
    if (order !== 0) return order;
  }
  return b.length - a.length;
}
