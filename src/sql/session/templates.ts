/**
 * A node's templates of statements (lifted-plans.ts), by settings and text: which have come before, and what is
 * lifted from those that were learnt.
 */
import { TextCache } from '../../base/text-cache.js';
import type { ParameterFit } from '../contract.js';
import type { LiteralKind } from '../parse/written-literals.js';
import type { TypeInfo } from '../types/type-info.js';

/** A literal that is lifted. */
export interface TemplateSlot {
  /** Which of the text's literals. */
  readonly at: number;
  readonly kind: LiteralKind;
  /** The '-' in front of it belongs to it. */
  readonly isNegative: boolean;
  /** Of the parameter; a number has the type of its kind. */
  readonly type: TypeInfo;
  readonly fit: ParameterFit | null;
}

export interface Template {
  readonly slots: readonly TemplateSlot[];
  /** As the parameters are declared, 0 for strings. */
  readonly oids: readonly number[];
}

/** Of templates, not of what they were made from. */
const BOUNDS = { countMax: 2_000, charactersMax: 2 * 1024 * 1024 };

interface Learnt {
  /** null: nothing is lifted, or no longer. */
  readonly template: Template | null;
  /** At another epoch of the catalog it may be learnt again; null: it would not help, the reason is in the text. */
  readonly atEpoch: number | null;
  /** Plans made to learn it, less those that it saved. */
  debt: number;
}

/** Plans made in vain: no more are tried. Literals that are not lifted may be others each time. */
const DEBT_MAX = 8;
const NO_EPOCH = -1;

export class Templates {
  /** Have come once; most of them never come again. */
  readonly #seen = new TextCache<true>(BOUNDS);
  readonly #learnt = new TextCache<Learnt>(BOUNDS);
  /** Statements that were run by one. */
  runs = 0;

  /** null: was not learnt, or there is nothing to be lifted. */
  get(key: string): Template | null {
    return this.#learnt.get(key)?.template ?? null;
  }

  /** A statement is run by it. */
  used(key: string): void {
    this.runs++;
    const learnt = this.#learnt.get(key);
    if (learnt !== undefined && learnt.debt > 0) learnt.debt--;
  }

  /** Whether to learn it now; notes that it has come. */
  isDue(key: string, epoch: number, atOnce: boolean): boolean {
    const learnt = this.#learnt.get(key);
    if (learnt !== undefined) {
      const mayHelp = learnt.template === null && learnt.atEpoch !== null && learnt.atEpoch !== epoch;
      return mayHelp && (atOnce || learnt.debt < DEBT_MAX);
    }
    if (atOnce || this.#seen.delete(key)) return true;
    this.#seen.put(key, true);
    return false;
  }

  put(key: string, template: Template): void {
    // One plan is that of the literals; whoever learns it runs by the other, which counts as saved.
    this.#learnt.put(key, { template, atEpoch: null, debt: this.#debt(key) + 2 });
  }

  /** `atEpoch`: the catalog's, if the reason is in there; null: it is in the text. */
  putNone(key: string, atEpoch: number | null): void {
    this.#learnt.put(key, { template: null, atEpoch, debt: this.#debt(key) + 1 });
  }

  /** It is to be learnt anew when it comes again. */
  forget(key: string): void {
    this.#learnt.put(key, { template: null, atEpoch: NO_EPOCH, debt: this.#debt(key) });
  }

  #debt(key: string): number {
    return this.#learnt.get(key)?.debt ?? 0;
  }
}
