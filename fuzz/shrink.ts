/**
 * A failing program made small: statements are left out, in halves, quarters, … and single; then each statement is
 * replaced by smaller forms of itself, as long as the last one still differs.
 */
import { type Piece, smaller, textOf } from './pieces.js';
import { Random } from './random.js';
import { constantOf, type TypeName } from './types.js';

const TRIES_MAX = 400;

/** Where a program differs first, and in what. */
export interface Found {
  readonly at: number;
  readonly text: string;
}

export interface Difference {
  readonly statements: readonly string[];
  readonly text: string;
}

type Run = (statements: readonly string[]) => Promise<Found | null>;

export async function shrunk(run: Run, pieces: readonly Piece[], found: Found): Promise<Difference> {
  let kept = pieces.slice(0, found.at + 1);
  let { text } = found;
  let tries = 0;
  const differs = async (candidate: readonly Piece[]): Promise<boolean> => {
    if (++tries > TRIES_MAX) return false;
    const again = await run(candidate.map(textOf));
    if (again?.at !== candidate.length - 1) return false;
    text = again.text;
    return true;
  };
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = kept.length - 1 - size; from > -size; from -= size) {
      const start = Math.max(0, from);
      const candidate = [...kept.slice(0, start), ...kept.slice(start + size, -1), kept.at(-1)!];
      if (candidate.length < kept.length && (await differs(candidate))) kept = candidate;
    }
  }
  for (let i = kept.length - 1; i >= 0; i--) kept = await leastForm(kept, i, differs);
  return { statements: kept.map(textOf), text };
}

async function leastForm(
  pieces: readonly Piece[],
  at: number,
  differs: (candidate: readonly Piece[]) => Promise<boolean>,
): Promise<Piece[]> {
  const constant = (type: TypeName): string => constantOf(new Random(1), type);
  let kept = [...pieces];
  for (let again = true; again;) {
    again = false;
    for (const less of smaller(kept[at]!, constant)) {
      const candidate = kept.with(at, less);
      if (!(await differs(candidate))) continue;
      kept = candidate;
      again = true;
      break;
    }
  }
  return kept;
}
