/**
 * to_number. Each pattern takes its part of the text, byte by byte: what the template has besides patterns stands for
 * one character, whatever it is, and digits beyond the template's are not read.
 */
import { sqlError } from '../../base/errors.js';
import type { Numeric } from '../types/datum.js';
import { applyNumericTypmod, multiplyNumeric, numericFromInt, parseNumeric } from '../types/numeric.js';
import { powerNumeric } from '../types/numeric-math.js';
import { type NumberPattern, type NumberTemplate, parseNumberTemplate } from './number-templates.js';

const DATA = '0123456789.,+-';

class NumberReader {
  readonly #t: NumberTemplate;
  readonly #text: Buffer;
  #at = 0;
  #sign = ' ';
  #digits = '';
  #before = 0;
  fraction = 0;
  #point = false;

  constructor(template: NumberTemplate, text: string) {
    this.#t = template;
    this.#text = Buffer.from(text);
  }

  read(): string {
    for (const node of this.#t.nodes) {
      if (this.#ended()) break;
      if (node.kind === 'char') this.#character();
      else if (this.#pattern(node.pattern)) this.#at++;
    }
    return this.#sign + (this.#digits.endsWith('.') ? this.#digits.slice(0, -1) : this.#digits);
  }

  #ended(): boolean {
    return this.#at >= this.#text.length;
  }
  #c(at = this.#at): string {
    return at < this.#text.length ? String.fromCharCode(this.#text[at]!) : '';
  }
  #isDigit(at: number): boolean {
    return /^\d$/.test(this.#c(at));
  }

  #character(): void {
    const lead = this.#text[this.#at]!;
    this.#at += lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  }

  /** Characters that cannot be part of the number. */
  #skip(count: number): void {
    for (let left = count; left > 0 && !this.#ended() && !DATA.includes(this.#c()); left--) this.#character();
  }

  /** Whether a character more is taken. */
  #pattern(pattern: NumberPattern): boolean {
    switch (pattern) {
      case '9':
      case '0':
      case '.':
      case 'D':
        this.#digit(pattern === '9' || pattern === '0');
        return true;
      case ',':
      case 'G':
        return !this.#t.fill && this.#c() === ',';
      case 'L':
        this.#skip(1);
        return false;
      case 'TH':
        if (!this.#t.point) this.#skip(2);
        return false;
      case 'MI':
      case 'PL':
      case 'SG':
        return this.#ownSign(pattern);
      case 'RN':
        throw sqlError('0A000', '"RN" not supported for input');
      default:
        return false;
    }
  }

  #ownSign(pattern: 'MI' | 'PL' | 'SG'): boolean {
    const c = this.#c();
    if ((c === '-' && pattern !== 'PL') || (c === '+' && pattern !== 'MI')) {
      this.#sign = c;
      return true;
    }
    this.#skip(1);
    return false;
  }

  #digit(mayHaveSign: boolean): void {
    if (this.#c() === ' ') this.#at++;
    if (this.#ended()) return;
    if (this.#sign === ' ' && mayHaveSign && this.#before + this.fraction === 0) this.#leadingSign();
    if (this.#ended()) return;
    let isRead = false;
    const c = this.#c();
    if (/\d/.test(c)) {
      if (this.#point && this.fraction === this.#t.fraction) return;
      this.#digits += c;
      if (this.#point) this.fraction++;
      else this.#before++;
      isRead = true;
    } else if (this.#t.point && !this.#point && c === '.') {
      this.#digits += '.';
      this.#point = true;
      isRead = true;
    }
    if (this.#sign === ' ' && this.#before + this.fraction > 0) this.#trailingSign(isRead);
  }

  #leadingSign(): void {
    const c = this.#c();
    if (c === '-' || c === '+') this.#sign = c;
    else if (this.#t.brackets && c === '<') this.#sign = '-';
    else return;
    this.#at++;
  }

  #trailingSign(isRead: boolean): void {
    const { anchored, plus, minus } = this.#t;
    if (anchored !== null && isRead && this.#at + 1 < this.#text.length && !this.#isDigit(this.#at + 1)) {
      const next = this.#c(this.#at + 1);
      if (next !== '-' && next !== '+') return;
      this.#sign = next;
      this.#at++;
    } else if (!isRead && anchored === null && (plus || minus)) {
      const c = this.#c();
      if (c === '-' || c === '+') this.#sign = c;
    }
  }
}

export function readNumber(text: string, template: string): Numeric | null {
  if (template === '') return null;
  const t = parseNumberTemplate(template);
  if (t.roman) throw sqlError('0A000', '"RN" not supported for input');
  if (t.scientific) throw sqlError('0A000', '"EEEE" not supported for input');
  const reader = new NumberReader(t, text);
  const found = reader.read();
  const value = parseNumeric(found);
  if (value === null) throw sqlError('22P02', `invalid input syntax for type numeric: "${found}"`);
  const precision = t.whole + t.shift + reader.fraction;
  const limited = applyNumericTypmod(value, ((precision << 16) | reader.fraction) + 4);
  return t.shifted ? multiplyNumeric(limited, powerNumeric(numericFromInt(10), numericFromInt(-t.shift))) : limited;
}
