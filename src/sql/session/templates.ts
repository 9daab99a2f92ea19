/**
 * A node's templates of statements (lifted-plans.ts), by settings and text: which have come before, and what is
 * lifted from those that were learnt.
 */
import { TextCache } from '../../base/text-cache.js';
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
}

export interface Template {
  readonly slots: readonly TemplateSlot[];
  /** As the parameters are declared, 0 for strings. */
  readonly oids: readonly number[];
}

/** Of templates, not of what they were made from. */
const BOUNDS = { countMax: 2_000, charactersMax: 2 * 1024 * 1024 };

/** Until when nothing is lifted: another epoch of the catalog; for ever if that would not help. */
interface NotLifted {
  readonly atEpoch: number | null;
  readonly attempts: number;
}
type Learnt = Template | NotLifted;

/** Plans at different epochs that did not do: no more are tried. */
const ATTEMPTS_MAX = 8;

export class Templates {
  /** Have come once; most of them never come again. */
  readonly #seen = new TextCache<true>(BOUNDS);
  readonly #learnt = new TextCache<Learnt>(BOUNDS);
  /** Statements that were run by one. */
  runs = 0;

  /** null: was not learnt, or there is nothing to be lifted. */
  get(key: string): Template | null {
    const learnt = this.#learnt.get(key);
    return learnt !== undefined && 'slots' in learnt ? learnt : null;
  }

  /** Whether to learn it now; notes that it has come. */
  isDue(key: string, epoch: number, atOnce: boolean): boolean {
    const learnt = this.#learnt.get(key);
    if (learnt !== undefined)
      return (
        !('slots' in learnt) && learnt.atEpoch !== null && learnt.atEpoch !== epoch && learnt.attempts < ATTEMPTS_MAX
      );
    if (atOnce || this.#seen.delete(key)) return true;
    this.#seen.put(key, true);
    return false;
  }

  put(key: string, template: Template): void {
    this.#learnt.put(key, template);
  }

  /** `atEpoch`: the catalog's, if the reason is in there; null: it is in the text. */
  putNone(key: string, atEpoch: number | null): void {
    const before = this.#learnt.get(key);
    const attempts = before === undefined || 'slots' in before ? 1 : before.attempts + 1;
    this.#learnt.put(key, { atEpoch, attempts });
  }

  /** It is to be learnt anew when it comes again. */
  forget(key: string): void {
    this.#learnt.delete(key);
    this.#seen.put(key, true);
  }
}
