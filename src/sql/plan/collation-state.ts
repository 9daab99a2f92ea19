/**
 * Which collation an expression has, and how it came to it (PostgreSQL, chapter 24.2): of its own type or column
 * (implicit), by COLLATE (explicit), or none, where its parts have several of which none prevails (conflict).
 */
import { DEFAULT_COLLATION_KEY, type Collation, collationOfKey } from '../types/collation.js';
import { typeCollation } from '../types/collated.js';
import { errorAt } from './binder.js';
import type { Expr } from './expr.js';

/** Stronger ones are greater. */
export const NONE = 0;
export const IMPLICIT = 1;
export const CONFLICT = 2;
export const EXPLICIT = 3;

export interface CollationState {
  readonly strength: 0 | 1 | 2 | 3;
  /** null: collations mean nothing to it. Of a conflict the first one. */
  readonly collation: Collation | null;
  readonly location: number;
  /** Of a conflict: the one that does not agree. */
  readonly other?: { readonly collation: Collation | null; readonly location: number };
  /**
   * It was to have one, and was made of several. With NONE (a column): it matters only where nothing else has one. With
   * IMPLICIT (the value of a subquery): it agrees with no other.
   */
  readonly lost?: true;
}

export const UNCOLLATED: CollationState = { strength: NONE, collation: null, location: -1 };

export type NameCollation = (collation: Collation) => string;

export const LOST: CollationState = { ...UNCOLLATED, lost: true };

export function implicit(key: string, location: number): CollationState {
  return { strength: IMPLICIT, collation: collationOfKey(key), location };
}

/** Of what brings no other along. */
export function ofType(typeOid: number, location: number): CollationState {
  const key = typeCollation(typeOid);
  return key === null ? UNCOLLATED : implicit(key, location);
}

function isDefault({ collation }: CollationState): boolean {
  return collation?.key === DEFAULT_COLLATION_KEY;
}

/** @throws QuoralError 42P21 */
export function merged(a: CollationState, b: CollationState, name: NameCollation): CollationState {
  if (a.strength !== b.strength) return a.strength > b.strength ? a : b;
  if (a.strength === NONE) return a.lost === true ? a : b;
  if (a.strength === CONFLICT || a.collation === b.collation) return a;
  if (a.strength === EXPLICIT) {
    const message = `collation mismatch between explicit collations "${name(a.collation!)}" and "${name(b.collation!)}"`;
    throw errorAt('42P21', message, b.location);
  }
  if (isDefault(a)) return b;
  if (isDefault(b)) return a;
  const { lost: _, ...first } = a;
  return { ...first, strength: CONFLICT, other: { collation: b.collation, location: b.location } };
}

/** Of what has to have one. */
export function mismatch({ collation, other }: CollationState, name: NameCollation): Error {
  const [first, second] = [collation, other!.collation].map((one) => (one === null ? '(null)' : name(one)));
  const message = `collation mismatch between implicit collations "${first}" and "${second}"`;
  return errorAt('42P21', message, other!.location, {
    hint: 'You can choose the collation by applying the COLLATE clause to one or both expressions.',
  });
}

/** What functions are told: null of a conflict; undefined where it makes no difference to any. */
export function inputOf({ strength, collation, lost }: CollationState): Collation | null | undefined {
  if (strength === CONFLICT || lost === true) return null;
  return collation === null || isPlain(collation) ? undefined : collation;
}

function isPlain(collation: Collation): boolean {
  return !collation.isLinguistic && !collation.asciiLetters;
}

/** What a sort is told. */
export function orderIn(state: CollationState): { readonly collation?: Collation | null } {
  const found = inputOf(state);
  return found === undefined || found?.isLinguistic === false ? {} : { collation: found };
}

/** Where an expression begins, as far as that is known. */
export function placeOf(e: Expr): number {
  switch (e.kind) {
    case 'column':
      return e.location;
    case 'const':
      return e.location ?? -1;
    case 'cast':
    case 'field':
    case 'subscript':
      return placeOf(e.arg);
    case 'call':
      return e.args.length === 0 ? -1 : placeOf(e.args[0]!);
    default:
      return -1;
  }
}
