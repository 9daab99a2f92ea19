/** Modes of table locks, numbered and named as in PostgreSQL. */
import { RIGHTS } from '../catalog/acl.js';
import type { AccessNeed } from '../contract.js';

export const MODES = [
  '',
  'AccessShareLock',
  'RowShareLock',
  'RowExclusiveLock',
  'ShareUpdateExclusiveLock',
  'ShareLock',
  'ShareRowExclusiveLock',
  'ExclusiveLock',
  'AccessExclusiveLock',
] as const;

const ACCESS_SHARE = 1;
const ROW_SHARE = 2;
const ROW_EXCLUSIVE = 3;
export const SHARE_UPDATE_EXCLUSIVE = 4;
export const ACCESS_EXCLUSIVE = 8;

/** Uses of a table keep nobody away but those who want it for themselves; these keep away everybody, whatever the mode that is shown. */
export function keepsAway(a: number, b: number): boolean {
  return Math.max(a, b) > ROW_EXCLUSIVE;
}

/** The locks that a statement takes of a relation that it needs rights of: FOR UPDATE needs the right to update, and updates no column. */
export function modesOf({ rights, updated }: AccessNeed): readonly number[] {
  const modes: number[] = [];
  if ((rights & (RIGHTS.insert | RIGHTS.delete)) !== 0 || updated.length > 0) modes.push(ROW_EXCLUSIVE);
  else if ((rights & RIGHTS.update) !== 0) modes.push(ROW_SHARE);
  if (modes.length === 0 || (modes[0] === ROW_SHARE && (rights & RIGHTS.select) !== 0)) modes.push(ACCESS_SHARE);
  return modes;
}

/** Whoever has such a lock changes rows or locks them. */
export function needsXid(mode: number): boolean {
  return mode >= ROW_SHARE;
}
