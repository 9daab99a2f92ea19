/**
 * Ordered-set aggregates: percentile_cont, percentile_disc and mode (PostgreSQL chapter 9.21). Their direct
 * arguments come first, then what they are ordered by; rows arrive in that order, NULLs left out.
 */
import { sqlError } from '../../base/errors.js';
import { type Interval, PgArray } from '../types/datum.js';
import type { Datum } from '../types/datum.js';
import { formatSixDigits } from '../types/float.js';
import { OID } from '../types/oids.js';
import { typeByOid } from '../types/registry.js';
import { aggregate } from './define.js';
import { addIntervals, multiplyInterval, negateInterval } from './interval-math.js';
import type { Accumulator, AggregateEntry, CallInfo, Value } from './entry.js';

const orderedSets = new Set<AggregateEntry>();

/** Whether it must be, and alone may be, called with WITHIN GROUP. */
export function isOrderedSet(entry: AggregateEntry): boolean {
  return orderedSets.has(entry);
}

/** One that a user made is called alike. */
export function asOrderedSet(entry: AggregateEntry): AggregateEntry {
  orderedSets.add(entry);
  return entry;
}

abstract class Ordered implements Accumulator {
  protected values: Value[] = [];
  protected direct: Datum = null;

  step(args: readonly Datum[]): void {
    this.direct = args[0]!;
    this.values.push(args[args.length - 1] as Value);
  }
  /** Parts of a group are not in order together. */
  combine(): void {
    throw sqlError('XX000', 'ordered-set aggregates are not computed in parts');
  }
  abstract final(): Datum;
}

function checked(fraction: number): number {
  if (!(fraction >= 0 && fraction <= 1)) {
    throw sqlError('22003', `percentile value ${formatSixDigits(fraction)} is not between 0 and 1`);
  }
  return fraction;
}

type At = (values: readonly Value[], fraction: number) => Value;

/** Interpolates between the two values next to the place. */
const continuous: At = (values, fraction) => {
  const place = checked(fraction) * (values.length - 1);
  const low = values[Math.floor(place)] as number;
  const high = values[Math.ceil(place)] as number;
  if (Math.floor(place) === Math.ceil(place)) return low;
  return low + (place - Math.floor(place)) * (high - low);
};

const continuousInterval: At = (values, fraction) => {
  const place = checked(fraction) * (values.length - 1);
  const low = values[Math.floor(place)] as Interval;
  if (Math.floor(place) === Math.ceil(place)) return low;
  const span = addIntervals(values[Math.ceil(place)] as Interval, negateInterval(low));
  return addIntervals(low, multiplyInterval(span, place - Math.floor(place)));
};

/** The first value at which at least this share of all has been reached. */
const discrete: At = (values, fraction) => values[Math.max(1, Math.ceil(checked(fraction) * values.length)) - 1]!;

class Percentile extends Ordered {
  readonly #at: At;
  constructor(at: At) {
    super();
    this.#at = at;
  }
  final(): Datum {
    return this.values.length === 0 ? null : this.#at(this.values, this.direct as number);
  }
}

class Percentiles extends Ordered {
  readonly #at: At;
  readonly #oid: number;
  constructor(at: At, oid: number) {
    super();
    this.#at = at;
    this.#oid = oid;
  }
  final(): Datum {
    if (this.values.length === 0) return null;
    const { elements, dims, lowerBounds } = this.direct as PgArray;
    const found = elements.map((fraction) => (fraction === null ? null : this.#at(this.values, fraction as number)));
    return new PgArray(this.#oid, found, dims, lowerBounds);
  }
}

/** The most frequent value, the first of several. */
class Mode extends Ordered {
  readonly #compare: (a: Value, b: Value) => number;
  constructor(call: CallInfo) {
    super();
    const { compare } = typeByOid(call.argOids[0]!);
    this.#compare = (a, b) => compare(a as never, b as never);
  }
  final(): Datum {
    let best: Datum = null;
    let most = 0;
    for (let from = 0; from < this.values.length;) {
      let to = from + 1;
      while (to < this.values.length && this.#compare(this.values[from]!, this.values[to]!) === 0) to++;
      if (to - from > most) {
        most = to - from;
        best = this.values[from]!;
      }
      from = to;
    }
    return best;
  }
}

const define = (signature: string, init: AggregateEntry['init']): void => {
  orderedSets.add(aggregate(signature, {}, init));
};
define('percentile_cont(float8, float8) float8', () => new Percentile(continuous));
define('percentile_cont(_float8, float8) _float8', () => new Percentiles(continuous, OID.float8));
define('percentile_cont(float8, interval) interval', () => new Percentile(continuousInterval));
define('percentile_cont(_float8, interval) _interval', () => new Percentiles(continuousInterval, OID.interval));
define('percentile_disc(float8, anyelement) anyelement', () => new Percentile(discrete));
define('percentile_disc(_float8, anyelement) anyarray', (call) => new Percentiles(discrete, call.argOids[1]!));
define('mode(anyelement) anyelement', (call) => new Mode(call));
