/** The columns that an INSERT names, and whether it gives each a value. */
import type { Node, ResTarget } from 'libpg-query';
import { locationOf, must } from './ast.js';
import type { PartTarget } from './bind-assign-part.js';
import { refuseUnchangeable } from './bind-view-target.js';
import type { WriteColumn, WriteTarget } from './bind-view-target.js';
import { errorAt } from './binder.js';

/** Positions of the columns that values are given for; with `mayBeParts`, twice of one whose parts are given. */
export function insertTargets(target: WriteTarget, cols: readonly Node[] | undefined, mayBeParts = false): number[] {
  const shown = target.columns.filter((c) => !c.hidden);
  const positions: number[] = [];
  if (cols === undefined) return shown.map((c) => c.position);
  const named = new Set<string>();
  const inParts = new Set<string>();
  const columns = cols.map((node): WriteColumn => {
    const { name = '', indirection, location = -1 } = must(node, 'ResTarget') as ResTarget;
    if (indirection !== undefined && !mayBeParts)
      throw errorAt('0A000', 'INSERT into a part of a column is not supported', location);
    const column = target.columns.find((c) => c.name === name);
    if (column === undefined)
      throw errorAt('42703', `column "${name}" of relation "${target.name}" does not exist`, location);
    const isPart = indirection !== undefined;
    if (named.has(name) && !(isPart && inParts.has(name)))
      throw errorAt('42701', `column "${name}" specified more than once`, location);
    named.add(name);
    if (isPart) inParts.add(name);
    return column;
  });
  for (const column of columns) {
    refuseUnchangeable(column, 'insert');
    if (positions.includes(column.position) && !inParts.has(column.name))
      throw errorAt('42601', `multiple assignments to same column "${baseName(target, column)}"`, -1);
    positions.push(column.position);
  }
  return positions;
}

/** For each of the named columns the part that is given, null for the whole of it. */
export function insertParts(cols: readonly Node[] | undefined): (PartTarget | null)[] {
  return (cols ?? []).map((node): PartTarget | null => {
    const { name = '', indirection, location = -1 } = must(node, 'ResTarget') as ResTarget;
    return indirection === undefined ? null : { column: name, parts: indirection, location };
  });
}

/** How many values are given, and whether the columns that they are for can be written. */
export function checkWidth(
  given: number,
  targets: readonly number[],
  cols: readonly Node[] | undefined,
  target: WriteTarget,
  location: number,
): void {
  if (given > targets.length) throw errorAt('42601', 'INSERT has more expressions than target columns', location);
  if (given < targets.length && cols !== undefined) {
    throw errorAt('42601', 'INSERT has more target columns than expressions', locationOf(cols[given]));
  }
  if (target.columns.length === 0 && given > 0)
    throw errorAt('42601', 'INSERT has more expressions than target columns', location);
  if (cols !== undefined) return;
  const shown = target.columns.filter((c) => !c.hidden).slice(0, given);
  for (const column of shown) refuseUnchangeable(column, 'insert');
  const twice = shown.find((c, i) => targets.indexOf(c.position) < i);
  if (twice !== undefined)
    throw errorAt('42601', `multiple assignments to same column "${baseName(target, twice)}"`, -1);
}

function baseName(target: WriteTarget, column: WriteColumn): string {
  return target.table.columns[column.position]?.name ?? column.name;
}
