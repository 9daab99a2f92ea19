/**
 * Sequence values. The counter in KV is moved outside any transaction, by a block of values at a time;
 * the rest of a block is this node's. So values are unique and, on one node, consecutive; there are gaps
 * after restarts, and nodes hand out from different blocks (PostgreSQL's own CACHE has both effects). Each block costs a
 * replicated write, so one that is used up at once is followed by a larger one, as long as the demand lasts.
 *
 * value = base + counter, base fixed at creation, so that the first value is START. A second counter, the start, stands
 * where the first one does exactly if no value was taken since the sequence was made or set to one that is yet to come
 * (is_called false): taking a block moves the counter away.
 *
 * A restart is part of its transaction: it gives the sequence another counter, and the descriptor says which one counts.
 *
 * Limits: values and counters are safe integers (2^53); a sequence beyond that is refused. setval is not atomic with
 * nextval on other nodes at the same moment.
 */
import { sqlError } from '../../base/errors.js';
import type { Key } from '../../base/key.js';
import { decodeCounter } from '../../range/eval/write.js';
import { SYSTEM_KEYS } from '../../encoding/keyspace.js';
import { againIfUnknown } from './again.js';
import type { Catalog } from './catalog.js';
import type { SequenceDescriptor } from './descriptor.js';

/** Values per block when CACHE was not given, and nobody wants many. */
export const DEFAULT_BLOCK = 32;
const BLOCK_MAX = 8_192;
/** Of a sequence's values, so that blocks that are lost do not use it up: a smallint's keeps the small ones. */
const BLOCK_SHARE = 1 / 65_536;
const GROWTH = 4;
/** A block that was used up within this time is followed by a larger one, one that lasted longer by a small one. */
const BUSY_MS = 250;
/** Of sequences; what is left of a block that is forgotten is a gap. */
const BLOCKS_MAX = 10_000;

/** Where no counter comes to stand. */
const NOWHERE = Number.MIN_SAFE_INTEGER;

interface Block {
  /** Next value, and how many are left. */
  next: number;
  left: number;
  increment: number;
  readonly size: number;
  readonly filledMs: number;
}

interface State {
  readonly counter: number;
  readonly isCalled: boolean;
}

export class Sequences {
  readonly #catalog: Catalog;
  readonly #blocks = new Map<number, Block>();
  readonly #filling = new Map<number, Promise<void>>();

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
    catalog.onForgetSequence((id) => this.#blocks.delete(id));
  }

  async nextval(sequence: SequenceDescriptor): Promise<bigint> {
    for (;;) {
      const block = this.#blocks.get(counterOf(sequence));
      if (block !== undefined && block.left > 0 && String(block.increment) === sequence.increment) {
        const value = block.next;
        block.next += block.increment;
        block.left--;
        return BigInt(inBounds(sequence, value));
      }
      const counterId = counterOf(sequence);
      let filling = this.#filling.get(counterId);
      if (filling === undefined) {
        filling = this.#fill(sequence).finally(() => this.#filling.delete(counterId));
        this.#filling.set(counterId, filling);
      }
      await filling;
    }
  }

  async #fill(sequence: SequenceDescriptor): Promise<void> {
    const increment = Number(sequence.increment);
    const count = this.#sizeOfNext(sequence);
    const key = SYSTEM_KEYS.sequence(counterOf(sequence));
    const counter = await againIfUnknown(() => this.#catalog.db.increment(key, increment * count));
    const last = baseOf(sequence) + counter;
    if (!Number.isSafeInteger(last))
      throw sqlError('22003', `sequence "${sequence.name}" is beyond the supported range`);
    this.#makeRoom();
    this.#blocks.set(counterOf(sequence), {
      next: last - increment * (count - 1),
      left: count,
      increment,
      size: count,
      filledMs: this.#catalog.clock.monotonicMs(),
    });
  }

  #makeRoom(): void {
    const [oldest] = this.#blocks.keys();
    if (oldest !== undefined && this.#blocks.size >= BLOCKS_MAX) this.#blocks.delete(oldest);
  }

  #sizeOfNext(sequence: SequenceDescriptor): number {
    if (sequence.cache > 1) return sequence.cache;
    const block = this.#blocks.get(counterOf(sequence));
    if (block === undefined || this.#catalog.clock.monotonicMs() - block.filledMs > BUSY_MS) return DEFAULT_BLOCK;
    const values = (Number(sequence.max) - Number(sequence.min)) / Math.abs(Number(sequence.increment));
    return Math.max(DEFAULT_BLOCK, Math.floor(Math.min(block.size * GROWTH, values * BLOCK_SHARE, BLOCK_MAX)));
  }

  /**
   * For ALTER SEQUENCE … INCREMENT: the base with which the value that comes first stays what it is; null if one was taken,
   * which the new step then follows.
   */
  async baseForStep(sequence: SequenceDescriptor, increment: bigint): Promise<string | null> {
    const { isCalled } = await this.#state(counterOf(sequence));
    if (isCalled) return null;
    return String(BigInt(baseOf(sequence)) + BigInt(sequence.increment) - increment);
  }

  /**
   * For ALTER SEQUENCE that changes the step, the bounds or the cycle: they go on from the last value, so what is left of this
   * node's block is given back, and a sequence that ran through its bounds is put where it stands between them. If another
   * node took a block meanwhile, that one's end is what comes last.
   */
  async settle(sequence: SequenceDescriptor): Promise<void> {
    const { counter, isCalled } = await this.#state(counterOf(sequence));
    if (!isCalled) return;
    const { value } = await this.lastValue(sequence);
    // A sequence that cycles may come to stand where it began.
    await this.#move(SYSTEM_KEYS.sequenceStart(counterOf(sequence)), NOWHERE);
    const step = Number(value) - baseOf(sequence) - counter;
    if (step === 0) return;
    const key = SYSTEM_KEYS.sequence(counterOf(sequence));
    const moved = await this.#catalog.db.increment(key, step);
    if (moved !== counter + step) await this.#catalog.db.increment(key, -step);
    await this.#catalog.forgetSequence(counterOf(sequence));
  }

  async #state(id: number): Promise<State> {
    const { db } = this.#catalog;
    const counter = await db.increment(SYSTEM_KEYS.sequence(id), 0);
    return { counter, isCalled: counter !== (await db.increment(SYSTEM_KEYS.sequenceStart(id), 0)) };
  }

  async setval(sequence: SequenceDescriptor, value: bigint, isCalled: boolean): Promise<bigint> {
    if (value < BigInt(sequence.min) || value > BigInt(sequence.max)) {
      throw sqlError(
        '22003',
        `setval: value ${value} is out of bounds for sequence "${sequence.name}" (${sequence.min}..${sequence.max})`,
      );
    }
    const last = Number(value) - (isCalled ? 0 : Number(sequence.increment));
    if (!Number.isSafeInteger(last)) throw sqlError('22003', `setval: value ${value} is beyond the supported range`);
    const target = last - baseOf(sequence);
    await this.#move(SYSTEM_KEYS.sequence(counterOf(sequence)), target);
    await this.#move(SYSTEM_KEYS.sequenceStart(counterOf(sequence)), isCalled ? NOWHERE : target);
    await this.#catalog.forgetSequence(counterOf(sequence));
    return value;
  }

  async #move(key: Key, target: number): Promise<void> {
    const current = await this.#catalog.db.increment(key, 0);
    if (target === current) return;
    // Between the ends of what a counter can be there are steps that a number cannot be.
    const steps = Number.isSafeInteger(target - current) ? [target - current] : [-current, target];
    for (const step of steps) await this.#catalog.db.increment(key, step);
  }

  /**
   * The last value that was given, if this node has the last block; else that block's last one, since another node may
   * have given it. So whoever goes on after it repeats none.
   */
  async lastValue(sequence: SequenceDescriptor): Promise<{ value: bigint; isCalled: boolean }> {
    return this.#lastOf(sequence, await this.#state(counterOf(sequence)));
  }

  /** The last value of each, read at once; null where none was taken yet. */
  async lastValues(sequences: readonly SequenceDescriptor[]): Promise<readonly (bigint | null)[]> {
    const keys = sequences.map(counterOf).flatMap((id) => [SYSTEM_KEYS.sequence(id), SYSTEM_KEYS.sequenceStart(id)]);
    const found = keys.length === 0 ? [] : await this.#catalog.db.getMany(keys);
    const counters = keys.map((key, i) => (found[i] == null ? 0 : decodeCounter(found[i], key)));
    return sequences.map((sequence, i) => {
      const counter = counters[2 * i]!;
      const { value, isCalled } = this.#lastOf(sequence, { counter, isCalled: counter !== counters[2 * i + 1]! });
      return isCalled ? value : null;
    });
  }

  #lastOf(sequence: SequenceDescriptor, { counter, isCalled }: State): { value: bigint; isCalled: boolean } {
    const end = baseOf(sequence) + counter;
    if (!isCalled) return { value: BigInt(end + Number(sequence.increment)), isCalled };
    const block = this.#blocks.get(counterOf(sequence));
    const mine = block !== undefined && block.next + block.increment * (block.left - 1) === end;
    const value = mine ? block.next - block.increment : end;
    if (sequence.cycle) return { value: BigInt(inBounds(sequence, value)), isCalled };
    return { value: BigInt(lastInBounds(sequence, value)), isCalled };
  }
}

function counterOf(sequence: SequenceDescriptor): number {
  return sequence.counterId ?? sequence.id;
}

/** The sequence as it is when it begins anew: a counter of its own, which has not moved yet. */
export function restarted(sequence: SequenceDescriptor, value: bigint, counterId: number): SequenceDescriptor {
  const base = value - BigInt(sequence.increment);
  if (!Number.isSafeInteger(Number(base)))
    throw sqlError('22003', `RESTART value (${value}) is beyond the supported range`);
  return { ...sequence, base: String(base), counterId };
}

function baseOf(sequence: SequenceDescriptor): number {
  return Number(sequence.base ?? BigInt(sequence.start) - BigInt(sequence.increment));
}

/** Of the values up to this one the last that the bounds let through. */
function lastInBounds(sequence: SequenceDescriptor, value: number): number {
  const increment = Number(sequence.increment);
  const bound = Number(increment > 0 ? sequence.max : sequence.min);
  const passed = Math.ceil((value - bound) / increment);
  return passed > 0 ? value - passed * increment : value;
}

/** Wraps or refuses a value that ran out of the sequence's bounds. @throws 2200H */
function inBounds(sequence: SequenceDescriptor, value: number): number {
  const increment = Number(sequence.increment);
  const min = Number(sequence.min);
  const max = Number(sequence.max);
  if (value >= min && value <= max) return value;
  const up = increment > 0;
  if (!sequence.cycle) {
    throw sqlError(
      '2200H',
      up
        ? `nextval: reached maximum value of sequence "${sequence.name}" (${sequence.max})`
        : `nextval: reached minimum value of sequence "${sequence.name}" (${sequence.min})`,
    );
  }
  const step = Math.abs(increment);
  const length = Math.floor((max - min) / step) + 1;
  const passed = Math.ceil((up ? value - max : min - value) / step) - 1;
  const offset = ((passed % length) + length) % length;
  return up ? min + offset * step : max - offset * step;
}
