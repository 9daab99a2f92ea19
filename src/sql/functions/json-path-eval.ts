/**
 * Evaluation of JSON paths over jsonb values, item by item: results are made as they are asked for, so that a lax
 * "is there one" stops at the first. An error of a path is a thrown one that is listed as such: predicates turn it
 * into "unknown", the silent functions into no result; every other error ends the statement.
 */
import { sqlError } from '../../base/errors.js';
import type { ErrorFields } from '../../base/errors.js';
import { Numeric } from '../types/datum.js';
import type { JsonValue } from '../types/datum.js';
import { isJsonArray, isJsonObject, makeJsonObject } from '../types/json.js';
import { regexFlags } from '../types/json-path-parser.js';
import type { ArithmeticSymbol, ComparisonSymbol, PathItem, PathProgram } from '../types/json-path-tree.js';
import {
  absNumeric,
  addNumeric,
  ceilNumeric,
  compareNumeric,
  divideNumeric,
  floorNumeric,
  formatNumeric,
  multiplyNumeric,
  negateNumeric,
  numericFromBigInt,
  numericFromFloat,
  numericFromInt,
  numericToBigInt,
  remainderNumeric,
  subtractNumeric,
  truncNumeric,
} from '../types/numeric.js';
import { parseFloat8 } from '../types/float.js';
import { compareText } from '../types/text-order.js';
import type { FormatContext } from '../types/type-info.js';
import { compareMoments, Moment, readMoment } from './json-path-datetime.js';
import { containerOffsets } from './json-path-offsets.js';
import { regexTest } from './regular-expressions.js';

export type Item = JsonValue | Moment;
type Truth = boolean | null;

const pathErrors = new WeakSet<Error>();
function fail(sqlstate: string, message: string, fields?: ErrorFields): Error {
  const error = sqlError(sqlstate, message, fields);
  pathErrors.add(error);
  return error;
}
export function isPathError(error: unknown): boolean {
  return error instanceof Error && pathErrors.has(error);
}

/** What the ids of keyvalue() count from. */
interface Base {
  readonly value: JsonValue;
  readonly id: number;
}

/** What surrounds an item while it is evaluated. */
interface Scope {
  readonly current: Item;
  readonly base: Base;
  /** Missing members and wrong kinds are no errors. */
  readonly forgiving: boolean;
  /** Of the array whose subscripts are evaluated; −1 outside of one. */
  readonly arraySize: number;
  /** Only whether there is something is asked, not what. */
  readonly existence: boolean;
  /** Errors become something else than an error of the statement. */
  readonly silent: boolean;
}

export interface PathOptions {
  /** undefined: every variable is null. */
  readonly vars: JsonValue | undefined;
  /** Only whether there is something is asked; it changes what is an error in lax mode. */
  readonly existence: boolean;
  readonly silent: boolean;
  readonly useTimeZone: boolean;
  readonly format: FormatContext;
}

const ID_FACTOR = 10_000_000_000n;

function isArray(v: Item): v is readonly JsonValue[] {
  return !(v instanceof Moment) && isJsonArray(v);
}
function isObject(v: Item): v is ReadonlyMap<string, JsonValue> {
  return v !== null && !(v instanceof Moment) && isJsonObject(v);
}
function childrenOf(v: Item): Iterable<JsonValue> {
  return isArray(v) ? v : isObject(v) ? v.values() : [];
}
function typeName(v: Item): string {
  if (v === null) return 'null';
  if (v instanceof Moment) return v.typeName;
  if (v instanceof Numeric) return 'number';
  if (isArray(v)) return 'array';
  return isObject(v) ? 'object' : typeof v;
}

const ARITHMETIC: Readonly<Record<ArithmeticSymbol, (a: Numeric, b: Numeric) => Numeric>> = {
  '+': addNumeric,
  '-': subtractNumeric,
  '*': multiplyNumeric,
  '/': divideNumeric,
  '%': remainderNumeric,
};

function holds(symbol: ComparisonSymbol, order: number): boolean {
  switch (symbol) {
    case '==':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

const NUMBER_METHODS: Readonly<Record<'abs' | 'floor' | 'ceiling', (v: Numeric) => Numeric>> = {
  abs: absNumeric,
  floor: floorNumeric,
  ceiling: ceilNumeric,
};

/** An evaluation does not rest; so many take about a second. */
const STEPS_MAX = 4_000_000;
/** Levels below which a result that is handed up costs as much as a step. */
const LEVELS_PER_STEP = 8;

class Evaluation {
  #steps = 0;
  readonly #lax: boolean;
  readonly #root: JsonValue;
  readonly #options: PathOptions;
  /** The root is 0, the variables are 1. */
  #generated = 1;
  readonly #offsets = new Map<JsonValue, ReadonlyMap<JsonValue, number>>();

  constructor(program: PathProgram, root: JsonValue, options: PathOptions) {
    this.#lax = program.lax;
    this.#root = root;
    this.#options = options;
  }

  run(program: PathProgram): Iterable<Item> {
    const base = { value: this.#root, id: 0 };
    const scope: Scope = {
      current: this.#root,
      base,
      forgiving: this.#lax,
      arraySize: -1,
      existence: this.#lax && this.#options.existence,
      silent: this.#options.silent,
    };
    return this.#item(program.root, this.#root, scope, this.#lax);
  }

  /** @throws QuoralError 54000, which is no error of the path: `silent` does not hide it. */
  #spend(steps: number): void {
    this.#steps += steps;
    if (this.#steps > STEPS_MAX) {
      throw sqlError('54000', 'JSON path takes too long', { detail: `The limit is ${STEPS_MAX} steps.` });
    }
  }

  /** The rest of the chain, applied to one result. */
  *#next(item: PathItem, value: Item, scope: Scope): Generator<Item> {
    if (item.next === null) yield value;
    else yield* this.#item(item.next, value, scope, this.#lax);
  }

  /** The same item for each element of an array, which is not unwrapped again. */
  *#unwrapped(item: PathItem, array: readonly JsonValue[], scope: Scope): Generator<Item> {
    for (const element of array) yield* this.#item(item, element, scope, false);
  }

  *#item(item: PathItem, value: Item, scope: Scope, unwrap: boolean): Generator<Item> {
    this.#spend(1);
    switch (item.kind) {
      case 'null':
        return yield* this.#next(item, null, scope);
      case 'string':
      case 'number':
      case 'bool':
        return yield* this.#next(item, item.value, scope);
      case 'variable':
        return yield* this.#variable(item, scope);
      case 'root':
        return yield* this.#next(item, this.#root, { ...scope, base: { value: this.#root, id: 0 } });
      case 'current':
        return yield* this.#next(item, scope.current, scope);
      case 'last':
        return yield* this.#next(item, numericFromInt(scope.arraySize - 1), scope);
      case 'and':
      case 'or':
      case 'not':
      case 'unknown':
      case 'exists':
      case 'compare':
      case 'starts':
      case 'regex':
        return yield* this.#next(item, this.#truth(item, value, scope), scope);
      case 'arithmetic':
        return yield* this.#arithmetic(item, value, scope);
      case 'sign':
        return yield* this.#sign(item, value, scope);
      case 'elements':
        return yield* this.#elements(item, value, scope);
      case 'members':
        return yield* this.#members(item, value, scope, unwrap);
      case 'subscripts':
        return yield* this.#subscripts(item, value, scope);
      case 'descend':
        return yield* this.#descend(item, value, scope);
      case 'key':
        return yield* this.#key(item, value, scope, unwrap);
      case 'filter': {
        if (unwrap && isArray(value)) return yield* this.#unwrapped(item, value, scope);
        if (this.#truth(item.arg, value, { ...scope, current: value }) === true) yield* this.#next(item, value, scope);
        return;
      }
      case 'method':
      case 'datetime':
        return yield* this.#method(item, value, scope, unwrap);
    }
  }

  *#variable(item: PathItem & { kind: 'variable' }, scope: Scope): Generator<Item> {
    const { vars } = this.#options;
    const value = vars === undefined || !isObject(vars) ? undefined : vars.get(item.name);
    if (vars === undefined || value === undefined)
      throw sqlError('42704', `could not find jsonpath variable "${item.name}"`);
    yield* this.#next(item, value, { ...scope, base: { value: vars, id: 1 } });
  }

  // ---- accessors ----

  *#elements(item: PathItem, value: Item, scope: Scope): Generator<Item> {
    if (isArray(value)) {
      for (const element of value) yield* this.#next(item, element, scope);
    } else if (this.#lax) {
      yield* this.#next(item, value, scope);
    } else if (!scope.forgiving) {
      throw fail('22039', 'jsonpath wildcard array accessor can only be applied to an array');
    }
  }

  *#members(item: PathItem, value: Item, scope: Scope, unwrap: boolean): Generator<Item> {
    if (isObject(value)) {
      for (const member of value.values()) yield* this.#next(item, member, scope);
    } else if (unwrap && isArray(value)) {
      yield* this.#unwrapped(item, value, scope);
    } else if (!scope.forgiving) {
      throw fail('2203C', 'jsonpath wildcard member accessor can only be applied to an object');
    }
  }

  *#key(item: PathItem & { kind: 'key' }, value: Item, scope: Scope, unwrap: boolean): Generator<Item> {
    if (isObject(value)) {
      const member = value.get(item.name);
      if (member !== undefined) yield* this.#next(item, member, scope);
      else if (!scope.forgiving) throw fail('2203A', `JSON object does not contain key "${item.name}"`);
    } else if (unwrap && isArray(value)) {
      yield* this.#unwrapped(item, value, scope);
    } else if (!scope.forgiving) {
      throw fail('2203A', 'jsonpath member accessor can only be applied to an object');
    }
  }

  *#subscripts(item: PathItem & { kind: 'subscripts' }, value: Item, scope: Scope): Generator<Item> {
    if (!isArray(value) && !this.#lax) {
      if (scope.forgiving) return;
      throw fail('22039', 'jsonpath array accessor can only be applied to an array');
    }
    const array: readonly Item[] = isArray(value) ? value : [value];
    const inside = { ...scope, arraySize: array.length, existence: false };
    for (const subscript of item.list) {
      const from = this.#subscript(subscript.from, value, inside);
      const to = subscript.to === null ? from : this.#subscript(subscript.to, value, inside);
      if (!scope.forgiving && (from < 0 || from > to || to >= array.length)) {
        throw fail('22033', 'jsonpath array subscript is out of bounds');
      }
      for (let i = Math.max(0, from); i <= Math.min(to, array.length - 1); i++) {
        yield* this.#next(item, array[i]!, scope);
      }
    }
  }

  #subscript(item: PathItem, value: Item, scope: Scope): number {
    const found = [...this.#item(item, value, scope, this.#lax)];
    const [only] = found;
    if (found.length !== 1 || !(only instanceof Numeric)) {
      throw fail('22033', 'jsonpath array subscript is not a single numeric value');
    }
    const index = numericToBigInt(truncNumeric(only, 0));
    if (BigInt.asIntN(32, index) !== index) throw fail('22033', 'jsonpath array subscript is out of integer range');
    return Number(index);
  }

  *#descend(item: PathItem & { kind: 'descend' }, value: Item, scope: Scope): Generator<Item> {
    const inside = { ...scope, forgiving: true };
    if (item.first === 0) {
      try {
        yield* this.#next(item, value, inside);
      } catch (error) {
        // As in PostgreSQL an error of the value itself is forgotten over its parts, unless it is told at once.
        if (!scope.silent || !isPathError(error) || !(isArray(value) || isObject(value))) throw error;
      }
    }
    yield* this.#deeper(item, value, inside, 1);
  }

  *#deeper(item: PathItem & { kind: 'descend' }, value: Item, scope: Scope, level: number): Generator<Item> {
    if (level > item.last) return;
    for (const child of childrenOf(value)) {
      this.#spend(1 + level / LEVELS_PER_STEP);
      const isLeaf = !isArray(child) && !isObject(child);
      if (level >= item.first || (item.first === Infinity && isLeaf)) yield* this.#next(item, child, scope);
      if (level < item.last) yield* this.#deeper(item, child, scope, level + 1);
    }
  }

  // ---- arithmetic ----

  /** Results, arrays among them replaced by their elements in lax mode. */
  *#operand(item: PathItem, value: Item, scope: Scope): Generator<Item> {
    for (const found of this.#item(item, value, { ...scope, existence: false }, this.#lax)) {
      if (this.#lax && isArray(found)) yield* found;
      else yield found;
    }
  }

  #number(found: readonly Item[], side: string, symbol: string): Numeric {
    const [only] = found;
    if (found.length !== 1 || !(only instanceof Numeric)) {
      throw fail('22038', `${side} operand of jsonpath operator ${symbol} is not a single numeric value`);
    }
    return only;
  }

  *#arithmetic(item: PathItem & { kind: 'arithmetic' }, value: Item, scope: Scope): Generator<Item> {
    const lefts = [...this.#operand(item.left, value, scope)];
    const rights = [...this.#operand(item.right, value, scope)];
    const left = this.#number(lefts, 'left', item.symbol);
    const right = this.#number(rights, 'right', item.symbol);
    let result: Numeric;
    try {
      result = ARITHMETIC[item.symbol](left, right);
    } catch (error) {
      if (error instanceof Error) pathErrors.add(error);
      throw error;
    }
    yield* this.#next(item, result, scope);
  }

  *#sign(item: PathItem & { kind: 'sign' }, value: Item, scope: Scope): Generator<Item> {
    for (const found of [...this.#operand(item.arg, value, scope)]) {
      if (!(found instanceof Numeric)) {
        // What is not even looked at is not missed.
        if (scope.existence && item.next === null) continue;
        throw fail('2203B', `operand of unary jsonpath operator ${item.symbol} is not a numeric value`);
      }
      yield* this.#next(item, item.symbol === '-' ? negateNumeric(found) : found, scope);
    }
  }

  // ---- predicates ----

  #truth(item: PathItem, value: Item, scope: Scope): Truth {
    switch (item.kind) {
      case 'and': {
        const left = this.#truth(item.left, value, scope);
        if (left === false) return false;
        const right = this.#truth(item.right, value, scope);
        return right === true ? left : right;
      }
      case 'or': {
        const left = this.#truth(item.left, value, scope);
        if (left === true) return true;
        const right = this.#truth(item.right, value, scope);
        return right === false ? left : right;
      }
      case 'not': {
        const truth = this.#truth(item.arg, value, scope);
        return truth === null ? null : !truth;
      }
      case 'unknown':
        return this.#truth(item.arg, value, scope) === null;
      case 'exists':
        return this.#exists(item.arg, value, scope);
      case 'compare':
        return this.#predicate(item.left, item.right, true, value, scope, (a, b) => this.#compare(item.symbol, a, b!));
      case 'starts':
        return this.#predicate(item.left, item.right, false, value, scope, (a, b) =>
          typeof a === 'string' && typeof b === 'string' ? a.startsWith(b) : null,
        );
      case 'regex':
        return this.#predicate(item.arg, null, false, value, scope, (a) =>
          typeof a === 'string' ? regexTest(a, item.pattern, regexFlags(item.flags)) : null,
        );
      default:
        throw new Error(`${item.kind} is no predicate`);
    }
  }

  #exists(item: PathItem, value: Item, scope: Scope): Truth {
    try {
      let any = false;
      for (const _ of this.#item(item, value, { ...scope, existence: this.#lax, silent: true }, this.#lax)) {
        any = true;
        // In strict mode the others might still be errors.
        if (this.#lax) break;
      }
      return any;
    } catch (error) {
      if (!isPathError(error)) throw error;
      return null;
    }
  }

  /** Over all pairs of operands: true if one is true; in strict mode no pair may be unknown. */
  #predicate(
    left: PathItem,
    right: PathItem | null,
    unwrapRight: boolean,
    value: Item,
    scope: Scope,
    test: (a: Item, b: Item | undefined) => Truth,
  ): Truth {
    let lefts: Item[];
    let rights: (Item | undefined)[];
    const hushed: Scope = { ...scope, silent: true };
    try {
      lefts = [...this.#operand(left, value, hushed)];
      if (right === null) rights = [undefined];
      else if (unwrapRight) rights = [...this.#operand(right, value, hushed)];
      else rights = [...this.#item(right, value, { ...hushed, existence: false }, this.#lax)];
    } catch (error) {
      if (!isPathError(error)) throw error;
      return null;
    }
    let found = false;
    let unknown = false;
    for (const a of lefts) {
      for (const b of rights) {
        const truth = test(a, b);
        if (truth === null) {
          if (!this.#lax) return null;
          unknown = true;
        } else if (truth) {
          if (this.#lax) return true;
          found = true;
        }
      }
    }
    return found ? true : unknown ? null : false;
  }

  #compare(symbol: ComparisonSymbol, a: Item, b: Item): Truth {
    this.#spend(1);
    if (typeName(a) !== typeName(b) && !(a instanceof Moment && b instanceof Moment)) {
      return a === null || b === null ? symbol === '!=' : null;
    }
    if (a === null) return holds(symbol, 0);
    if (a instanceof Moment) {
      const order = compareMoments(a, b as Moment, this.#options.useTimeZone, this.#options.format);
      return order === null ? null : holds(symbol, order);
    }
    if (a instanceof Numeric) return holds(symbol, compareNumeric(a, b as Numeric));
    if (typeof a === 'string') return holds(symbol, compareText(a, b as string));
    return typeof a === 'boolean' ? holds(symbol, Number(a) - Number(b)) : null;
  }

  // ---- methods ----

  *#method(
    item: PathItem & { kind: 'method' | 'datetime' },
    value: Item,
    scope: Scope,
    unwrap: boolean,
  ): Generator<Item> {
    const name = item.kind === 'datetime' ? 'datetime' : item.name;
    if (name === 'type') return yield* this.#next(item, typeName(value), scope);
    if (name === 'size') {
      const size = this.#size(value, scope);
      if (size !== null) yield* this.#next(item, numericFromInt(size), scope);
      return;
    }
    if (unwrap && isArray(value)) return yield* this.#unwrapped(item, value, scope);
    if (name === 'keyvalue') return yield* this.#keyValue(item, value, scope);
    if (item.kind === 'datetime') {
      if (typeof value !== 'string')
        throw fail('22031', 'jsonpath item method .datetime() can only be applied to a string');
      return yield* this.#next(item, readMoment(value, item.template, fail), scope);
    }
    if (name === 'double') return yield* this.#next(item, this.#double(value), scope);
    if (!(value instanceof Numeric)) {
      throw fail('22036', `jsonpath item method .${name}() can only be applied to a numeric value`);
    }
    yield* this.#next(item, NUMBER_METHODS[name as 'abs'](value), scope);
  }

  #size(value: Item, scope: Scope): number | null {
    if (isArray(value)) return value.length;
    if (this.#lax) return 1;
    if (scope.forgiving) return null;
    throw fail('22039', 'jsonpath item method .size() can only be applied to an array');
  }

  #double(value: Item): Item {
    const what = typeof value === 'string' ? 'string' : 'numeric';
    const text = value instanceof Numeric ? formatNumeric(value) : value;
    if (typeof text !== 'string') {
      throw fail('22036', 'jsonpath item method .double() can only be applied to a string or numeric value');
    }
    let read: number;
    try {
      read = parseFloat8(text);
    } catch {
      read = NaN;
    }
    if (!Number.isFinite(read)) {
      const why =
        what === 'string'
          ? 'is not a valid representation of a double precision number'
          : 'is out of range for type double precision';
      throw fail('22036', `${what} argument of jsonpath item method .double() ${why}`);
    }
    return value instanceof Numeric ? value : numericFromFloat(read, 15);
  }

  *#keyValue(item: PathItem, value: Item, scope: Scope): Generator<Item> {
    if (!isObject(value)) throw fail('2203C', 'jsonpath item method .keyvalue() can only be applied to an object');
    const offset = this.#offsetsIn(scope.base.value).get(value) ?? 0;
    const id = numericFromBigInt(BigInt(scope.base.id) * ID_FACTOR + BigInt(offset));
    for (const [key, member] of value) {
      const pair = makeJsonObject([
        ['key', key],
        ['value', member],
        ['id', id],
      ]);
      this.#generated++;
      yield* this.#next(item, pair, { ...scope, base: { value: pair, id: this.#generated } });
    }
  }

  #offsetsIn(root: JsonValue): ReadonlyMap<JsonValue, number> {
    let offsets = this.#offsets.get(root);
    if (offsets === undefined) this.#offsets.set(root, (offsets = containerOffsets(root)));
    return offsets;
  }
}

/** The items that a path gives, made while they are read. */
export function evaluatePath(program: PathProgram, root: JsonValue, options: PathOptions): Iterable<Item> {
  if (options.vars !== undefined && !isObject(options.vars)) {
    throw sqlError('22023', '"vars" argument is not an object', {
      detail: 'Jsonpath parameters should be encoded as key-value pairs of "vars" object.',
    });
  }
  return new Evaluation(program, root, options).run(program);
}
