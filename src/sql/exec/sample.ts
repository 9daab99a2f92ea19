/**
 * TABLESAMPLE. A row is in the sample if a hash of its primary key and the seed is below the percentage: so the
 * same seed gives the same rows for as long as they exist, however the table is read and wherever its ranges
 * are. SYSTEM, which takes whole pages in PostgreSQL, is the same here: there are no pages.
 */
import { sqlError } from '../../base/errors.js';
import type { Key } from '../../base/key.js';
import type { SamplePlan } from '../plan/logical.js';
import type { Datum } from '../types/datum.js';
import { compilePlan } from './compile-plan.js';
import { type Compiled, compileExpr, layoutOf } from './eval.js';
import { tableCodec } from './index-codec.js';
import { MapOperator } from './operators.js';
import type { Batch, Operator, OperatorFactory, Row, Run } from './run.js';

const NO_ROW: Row = [];
const SPAN = 2 ** 32;

/** Spreads the bits of a 32-bit number. */
function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

/** 0 … 2^32 - 1. */
export function sampleHash(key: Key, seed: number): number {
  let h = seed;
  for (let i = 0; i < key.length; i++) h = mix(h ^ Math.imul(key.charCodeAt(i) + 1, 0x9e3779b1));
  return h;
}

function seedOf(value: number): number {
  const bytes = Buffer.alloc(8);
  // 0 and -0 are equal.
  bytes.writeDoubleBE(value === 0 ? 0 : value);
  return mix(mix(bytes.readInt32BE(0)) ^ bytes.readInt32BE(4));
}

export function compileSample(plan: SamplePlan): OperatorFactory {
  const input = compilePlan(plan.input);
  const layout = layoutOf(plan.input.columns);
  const positions = plan.key.map((id) => layout.get(id)!);
  const { primary } = tableCodec(plan.table);
  const outside = new Map<number, number>();
  const percent = compileExpr(plan.percent, outside);
  const seed = plan.seed === null ? null : compileExpr(plan.seed, outside);
  // One seed for an execution, however often the node is run in it.
  const chosen = new WeakMap<Run, number>();
  return (run) => {
    let sampler: ((row: Row) => boolean) | null = null;
    const prepare = async (): Promise<(row: Row) => boolean> => {
      const below = (percentage(await value(percent, run)) / 100) * SPAN;
      let start = chosen.get(run) ?? Math.floor(run.ctx.rng.next() * SPAN);
      if (seed === null) chosen.set(run, start);
      else start = repeatable(await value(seed, run));
      return (row) => sampleHash(primary.keyOfColumns(positions.map((p) => row[p]!)), start) < below;
    };
    const sampled = new MapOperator(input(run), (batch: Batch) => batch.filter((row) => sampler!(row)));
    return new PreparedOperator(sampled, async () => {
      sampler ??= await prepare();
    });
  };
}

function value(expr: Compiled, run: Run): Promise<Datum> | Datum {
  return expr.waits ? expr.eval(NO_ROW, run) : expr.eval(NO_ROW, run);
}

function percentage(given: Datum): number {
  if (given === null) throw sqlError('2202H', 'TABLESAMPLE parameter cannot be null');
  const percent = Number(given);
  if (!(percent >= 0 && percent <= 100)) throw sqlError('2202H', 'sample percentage must be between 0 and 100');
  return percent;
}

function repeatable(given: Datum): number {
  if (given === null) throw sqlError('2202G', 'TABLESAMPLE REPEATABLE parameter cannot be null');
  return seedOf(Number(given));
}

/** Its arguments are looked at even if there are no rows. */
class PreparedOperator implements Operator {
  readonly #inner: Operator;
  readonly #prepare: () => Promise<void>;

  constructor(inner: Operator, prepare: () => Promise<void>) {
    this.#inner = inner;
    this.#prepare = prepare;
  }
  async next(): Promise<Batch | null> {
    await this.#prepare();
    return this.#inner.next();
  }
  close(): void {
    this.#inner.close();
  }
}
