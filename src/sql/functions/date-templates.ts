/**
 * Templates of to_char, to_date, to_timestamp and datetime() in JSON paths (chapter 9.8): the patterns that are known
 * and a template's way into nodes. Patterns are told apart by case; the first that fits in the order below wins, so
 * longer ones stand before their beginnings. What is no pattern stands for itself.
 */
import { sqlError } from '../../base/errors.js';
import { checkTemplate } from '../types/limits.js';

/** How dates are counted; the two cannot be mixed when a date is read. */
type Counting = 'gregorian' | 'iso' | '';
/** What a pattern is about, for the type that datetime() gives. */
type About = 'date' | 'time' | 'zone' | '';

export interface Field {
  /** As it is written, which decides about the case of names. */
  readonly name: string;
  /** The pattern without regard to case; HH is HH12, MS is FF3 and so on are told apart by their name. */
  readonly id: string;
  /** Digits follow at once, so that a number before it must know its width. */
  readonly digits: boolean;
  readonly counting: Counting;
  readonly about: About;
}

export interface FieldNode {
  readonly kind: 'field';
  readonly field: Field;
  readonly fill: boolean;
  readonly localised: boolean;
  readonly ordinal: '' | 'TH' | 'th';
}
export interface LiteralNode {
  readonly kind: 'separator' | 'space' | 'char';
  readonly text: string;
}
export type TemplateNode = FieldNode | LiteralNode;

const TIME = 'A.M. P.M. AM PM HH24 HH12 HH MI SSSSS SSSS SS MS US FF1 FF2 FF3 FF4 FF5 FF6';
const ZONE = 'TZH TZM TZ OF';
const GREGORIAN = 'DDD DD D MM MONTH MON RM WW W Y,YYY YYYY YYY YY Y';
const ISO = 'IDDD ID IW IYYY IYY IY I';
const NEITHER = 'A.D. B.C. AD BC CC DAY DY Q J';
/** Take digits only; the others may begin with a letter or a sign. */
const DIGITS = new Set(
  'CC DDD DD D HH24 HH12 HH IDDD ID IW IYYY IYY IY I J MI MM MS Q SSSSS SSSS SS US FF1 FF2 FF3 FF4 FF5 FF6 WW W Y,YYY YYYY YYY YY Y TZM'.split(
    ' ',
  ),
);
/** Names that come in three cases. */
const NAMES: ReadonlySet<string> = new Set(['MONTH', 'MON', 'DAY', 'DY']);

function fieldsOf(patterns: string, about: About, counting: Counting): Field[] {
  return patterns.split(' ').flatMap((id) => {
    const capital = id.charAt(0) + id.slice(1).toLowerCase();
    const spellings = NAMES.has(id) ? [id, capital, id.toLowerCase()] : [id, id.toLowerCase()];
    // Of the ISO patterns the number of the week alone makes no date of a template.
    const own = id === 'IW' ? '' : about;
    return spellings.map((name) => ({ name, id, digits: DIGITS.has(id), counting, about: own }));
  });
}

const FIELDS: readonly Field[] = [
  ...fieldsOf(TIME, 'time', ''),
  ...fieldsOf(ZONE, 'zone', ''),
  ...fieldsOf(GREGORIAN, 'date', 'gregorian'),
  ...fieldsOf(ISO, 'date', 'iso'),
  ...fieldsOf(NEITHER, 'date', ''),
  ...fieldsOf('FX', '', ''),
].sort((a, b) => b.name.length - a.name.length);

const BY_FIRST = new Map<string, Field[]>();
for (const field of FIELDS) {
  const list = BY_FIRST.get(field.name[0]!);
  if (list === undefined) BY_FIRST.set(field.name[0]!, [field]);
  else list.push(field);
}

export function isSpace(c: string | undefined): boolean {
  return c !== undefined && /^[ \t-\r]/.test(c);
}
/** Any visible ASCII character but letters and digits. */
export function isSeparator(c: string | undefined): boolean {
  return c !== undefined && /^[!-/:-@[-`{-~]/.test(c);
}

function starts(text: string, at: number, ...words: string[]): boolean {
  return words.some((word) => text.startsWith(word, at));
}

class TemplateReader {
  readonly nodes: TemplateNode[] = [];
  readonly #text: string;
  readonly #strict: boolean;
  #at = 0;

  constructor(text: string, strict: boolean) {
    this.#text = text;
    this.#strict = strict;
  }

  read(): readonly TemplateNode[] {
    while (this.#at < this.#text.length) if (!this.#field()) this.#literal();
    return this.nodes;
  }

  /** One modifier goes with a pattern, and is lost before anything else. */
  #field(): boolean {
    const text = this.#text;
    const fill = starts(text, this.#at, 'FM', 'fm');
    const localised = starts(text, this.#at, 'TM', 'tm');
    if (fill || localised) this.#at += 2;
    const field = BY_FIRST.get(text[this.#at] ?? '')?.find((one) => text.startsWith(one.name, this.#at));
    if (field === undefined) return this.#at >= text.length;
    this.#at += field.name.length;
    const upper = starts(text, this.#at, 'TH');
    const lower = starts(text, this.#at, 'th');
    if (upper || lower || starts(text, this.#at, 'SP')) this.#at += 2;
    this.nodes.push({ kind: 'field', field, fill, localised, ordinal: upper ? 'TH' : lower ? 'th' : '' });
    return true;
  }

  #literal(): void {
    const text = this.#text;
    const c = text[this.#at]!;
    if (c === '"') return this.#quoted();
    if (this.#strict) {
      const one = this.#next();
      if (!"-./,':; ".includes(one)) throw sqlError('22007', `invalid datetime format separator: "${one}"`);
      this.nodes.push({ kind: one === ' ' ? 'space' : 'separator', text: one });
      return;
    }
    if (c === '\\' && text[this.#at + 1] === '"') this.#at++;
    const one = this.#next();
    this.nodes.push({ kind: isSeparator(one) ? 'separator' : isSpace(one) ? 'space' : 'char', text: one });
  }

  #quoted(): void {
    const text = this.#text;
    for (this.#at++; this.#at < text.length;) {
      if (text[this.#at] === '"') {
        this.#at++;
        return;
      }
      if (text[this.#at] === '\\' && this.#at + 1 < text.length) this.#at++;
      this.nodes.push({ kind: 'char', text: this.#next() });
    }
  }

  #next(): string {
    const one = String.fromCodePoint(this.#text.codePointAt(this.#at)!);
    this.#at += one.length;
    return one;
  }
}

const CACHE_MAX = 256;
const caches = {
  loose: new Map<string, readonly TemplateNode[]>(),
  strict: new Map<string, readonly TemplateNode[]>(),
};

const CACHED_LENGTH_MAX = 1000;

/** @throws 22007 for what is neither a pattern nor a usual separator, if it is to be strict. */
export function parseDateTemplate(template: string, strict = false): readonly TemplateNode[] {
  const cache = strict ? caches.strict : caches.loose;
  const known = cache.get(template);
  if (known !== undefined) return known;
  checkTemplate(template);
  const nodes = new TemplateReader(template, strict).read();
  if (template.length > CACHED_LENGTH_MAX) return nodes;
  if (cache.size >= CACHE_MAX) cache.clear();
  cache.set(template, nodes);
  return nodes;
}
