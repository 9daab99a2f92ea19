/**
 * format(): `%[position$][flags][width]type`, where the width is a number, `*` (the next argument) or `*n$`.
 *
 * A directive is read to its end and its type looked at before any argument is taken; a number right after the `%` that no `$` follows
 * is the width, and no flag comes after it.
 */
import { sqlError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';
import type { Datum } from '../types/datum.js';
import { checkLength } from '../types/limits.js';
import { OID } from '../types/oids.js';
import { typeByOid } from '../types/registry.js';
import { TextBuilder } from '../types/text-builder.js';
import { charLength } from '../types/text-order.js';
import type { CallInfo } from './entry.js';
import { fn } from './define.js';
import { asText, quoteIdentifier, quoteLiteral } from './strings.js';

fn(
  'format(text, variadic any) text',
  (args: readonly Datum[], ctx: ExecContext, call: CallInfo) => formatText(args, ctx, call),
  { strict: false, volatility: 'stable' },
);
fn(
  'format(text) text',
  (template: string | null, ctx: ExecContext) =>
    formatText([template], ctx, { argOids: [OID.text], resultOid: OID.text }),
  { strict: false, volatility: 'stable' },
);

const INT_MAX = 2 ** 31 - 1;

interface Directive {
  readonly kind: string;
  /** Position of the value's argument; 0: the next one. */
  readonly at: number;
  readonly left: boolean;
  readonly width: number;
  /** Position of the width's argument; 0: the next one, null: none. */
  readonly widthAt: number | null;
  /** Where the template goes on. */
  readonly end: number;
}

const mistake = (message: string): Error => sqlError('22023', message, { hint: 'For a single "%" use "%%".' });

/** Reads what stands after a `%`. */
class DirectiveReader {
  readonly #template: string;
  #i: number;

  constructor(template: string, start: number) {
    this.#template = template;
    this.#i = start;
  }

  read(): Directive {
    let at = 0;
    let left = false;
    let width = 0;
    let widthAt: number | null = null;
    const first = this.#number();
    if (first !== null && this.#here() !== '$') return this.#typed({ at, left, width: first, widthAt });
    if (first !== null) {
      at = position(first);
      this.#skip();
    }
    for (; this.#here() === '-'; this.#skip()) left = true;
    if (this.#here() === '*') {
      this.#skip();
      const from = this.#number();
      widthAt = from === null ? 0 : position(from);
      if (from !== null && this.#here() !== '$')
        throw sqlError('22023', 'width argument position must be ended by "$"');
      if (from !== null) this.#skip();
    } else width = this.#number() ?? 0;
    return this.#typed({ at, left, width, widthAt });
  }

  #typed(read: Omit<Directive, 'kind' | 'end'>): Directive {
    const kind = String.fromCodePoint(this.#template.codePointAt(this.#i)!);
    if (!'sIL'.includes(kind)) throw mistake(`unrecognized format() type specifier "${kind}"`);
    return { ...read, kind, end: this.#i + 1 };
  }

  #here(): string {
    if (this.#i >= this.#template.length) throw mistake('unterminated format() type specifier');
    return this.#template[this.#i]!;
  }

  #skip(): void {
    this.#i++;
    this.#here();
  }

  #number(): number | null {
    let value: number | null = null;
    for (let c = this.#here(); c >= '0' && c <= '9'; c = this.#here()) {
      value = (value ?? 0) * 10 + Number(c);
      if (value > INT_MAX) throw sqlError('22003', 'number is out of range');
      this.#skip();
    }
    return value;
  }
}

function position(n: number): number {
  if (n === 0) throw sqlError('22023', 'format specifies argument 0, but arguments are numbered from 1');
  return n;
}

class Formatter {
  readonly #args: readonly Datum[];
  readonly #ctx: ExecContext;
  readonly #call: CallInfo;
  #last = 0;
  #length: number;

  constructor(template: string, args: readonly Datum[], ctx: ExecContext, call: CallInfo) {
    this.#args = args;
    this.#ctx = ctx;
    this.#call = call;
    this.#length = template.length;
  }

  text({ kind, at, left, width, widthAt }: Directive): string {
    const size = widthAt === null ? width : this.#widthOf(this.#next(widthAt));
    const index = this.#next(at);
    const value = this.#args[index]!;
    let text: string;
    if (value === null) {
      if (kind === 'I') throw sqlError('22004', 'null values cannot be formatted as an SQL identifier');
      text = kind === 'L' ? 'NULL' : '';
    } else {
      text = asText(value, this.#call.argOids[index]!, this.#ctx);
      if (kind === 'I') text = quoteIdentifier(text);
      else if (kind === 'L') text = quoteLiteral(text);
    }
    const missing = Math.abs(size) - charLength(text);
    this.#length += Math.max(text.length, Math.abs(size));
    checkLength(this.#length);
    if (missing <= 0) return text;
    return left || size < 0 ? text + ' '.repeat(missing) : ' '.repeat(missing) + text;
  }

  #next(at: number): number {
    this.#last = at === 0 ? this.#last + 1 : at;
    if (this.#last >= this.#args.length) throw sqlError('22023', 'too few arguments for format()');
    return this.#last;
  }

  #widthOf(index: number): number {
    const value = this.#args[index]!;
    if (value === null) return 0;
    const read = typeByOid(OID.int4).input(asText(value, this.#call.argOids[index]!, this.#ctx), -1, this.#ctx.format);
    if (Number(read) < -INT_MAX) throw sqlError('22003', 'number is out of range');
    return Number(read);
  }
}

function formatText(args: readonly Datum[], ctx: ExecContext, call: CallInfo): string | null {
  const template = args[0] as string | null;
  if (template === null) return null;
  const formatter = new Formatter(template, args, ctx, call);
  const out = new TextBuilder();
  let from = 0;
  for (let i = template.indexOf('%'); i >= 0; i = template.indexOf('%', from)) {
    out.add(template.slice(from, i));
    if (template[i + 1] === '%') {
      out.add('%');
      from = i + 2;
      continue;
    }
    const directive = new DirectiveReader(template, i + 1).read();
    out.add(formatter.text(directive));
    from = directive.end;
  }
  out.add(template.slice(from));
  return out.text();
}
