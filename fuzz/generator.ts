/** What the makers of statements share: chance, and over what they make them. */
import { plain, type Piece } from './pieces.js';
import type { Queries } from './queries.js';
import type { Random } from './random.js';
import type { Schema } from './schema.js';

export abstract class Generator {
  protected readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }
}

/** One statement at a time, over the tables of a schema. */
export abstract class OverSchema extends Generator {
  protected readonly schema: Schema;
  protected readonly queries: Queries;

  constructor(random: Random, schema: Schema, queries: Queries) {
    super(random);
    this.schema = schema;
    this.queries = queries;
  }
}

/** Statements that belong together, over tables of their own, which have the program's number in their names. */
export abstract class Programs extends Generator {
  readonly #intMax: number;
  #made = 0;

  constructor(random: Random, intMax: number) {
    super(random);
    this.#intMax = intMax;
  }

  /** Of each kind that there is, a way to make the n-th program. */
  protected abstract kinds(n: number): readonly (() => string[])[];

  /** Several statements in their order. */
  statements(): Piece[] {
    const n = ++this.#made;
    return this.random
      .pick(this.kinds(n))()
      .map((line) => plain(line));
  }

  protected int(): number {
    return this.random.between(-2, this.#intMax);
  }
}

/** What a frame begins or ends with, with an offset of the order's type. */
export function frameOf(random: Random, mode: string, offset: () => string, excluded: readonly string[]): string {
  const exclude = random.pick(['', '', ...excluded.map((one) => ` EXCLUDE ${one}`)]);
  const bound = (edge: string): string => {
    const size = offset();
    return random.pick([edge, 'CURRENT ROW', `${size} PRECEDING`, `${size} FOLLOWING`]);
  };
  return `${mode} BETWEEN ${bound('UNBOUNDED PRECEDING')} AND ${bound('UNBOUNDED FOLLOWING')}${exclude}`;
}
