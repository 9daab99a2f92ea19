/**
 * json(b)_to_record(set) and json(b)_populate_record(set): members of objects as columns. Which columns, is in the call's
 * `record` (the column definition list), or in the type of the row that is populated. A member's value goes
 * through its type's input, arrays element by element, objects into composite values; what is missing is as in the given row.
 */
import { sqlError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';
import { Jsonb, PgArray, PgRecord } from '../types/datum.js';
import type { Datum, JsonValue } from '../types/datum.js';
import { formatJson, isJsonArray, isJsonObject, parseJson } from '../types/json.js';
import { OID } from '../types/oids.js';
import { typeByOid } from '../types/registry.js';
import { baseOidOf, domainTypmod, fieldsOf } from '../types/user-types.js';
import { fn, srf } from './define.js';
import { checkDomain, isConstrained } from './domains.js';
import type { CallInfo } from './entry.js';
import { rawMembers } from './json.js';

const DIMENSIONS_MAX = 6;

/** A value inside a document of either type. */
interface Part {
  readonly kind: 'object' | 'array' | 'string' | 'null' | 'other';
  /** As it is written; a string without its quotes. */
  text(): string;
  /** As a document of its own. */
  json(): string;
  value(): JsonValue;
  items(): readonly Part[];
  /** The last of that name. */
  member(name: string): Part | undefined;
}

/** json keeps its text. */
class RawPart implements Part {
  readonly kind: Part['kind'];
  readonly #raw: string;
  #members: ReadonlyMap<string, Part> | null = null;

  constructor(raw: string) {
    this.#raw = raw.trim();
    const first = this.#raw[0];
    this.kind =
      first === '{' ? 'object' : first === '[' ? 'array' : first === '"' ? 'string' : first === 'n' ? 'null' : 'other';
  }
  text(): string {
    return this.kind === 'string' ? (parseJson(this.#raw) as string) : this.#raw;
  }
  json(): string {
    return this.#raw;
  }
  value(): JsonValue {
    return parseJson(this.#raw);
  }
  items(): readonly Part[] {
    return rawMembers(this.#raw).members.map((m) => new RawPart(m.text));
  }
  member(name: string): Part | undefined {
    this.#members ??= new Map(rawMembers(this.#raw).members.map((m) => [m.key ?? '', new RawPart(m.text)]));
    return this.#members.get(name);
  }
}

class ValuePart implements Part {
  readonly kind: Part['kind'];
  readonly #value: JsonValue;

  constructor(value: JsonValue) {
    this.#value = value;
    this.kind = isJsonObject(value)
      ? 'object'
      : isJsonArray(value)
        ? 'array'
        : typeof value === 'string'
          ? 'string'
          : value === null
            ? 'null'
            : 'other';
  }
  text(): string {
    return typeof this.#value === 'string' ? this.#value : formatJson(this.#value);
  }
  json(): string {
    return formatJson(this.#value);
  }
  value(): JsonValue {
    return this.#value;
  }
  items(): readonly Part[] {
    return isJsonArray(this.#value) ? this.#value.map((v) => new ValuePart(v)) : [];
  }
  member(name: string): Part | undefined {
    const found = isJsonObject(this.#value) ? this.#value.get(name) : undefined;
    return found === undefined ? undefined : new ValuePart(found);
  }
}

function partOf(document: Datum): Part {
  return document instanceof Jsonb ? new ValuePart(document.value) : new RawPart(document as string);
}

// ---- one value ----

/** `base`: the composite value that an object's members go into. */
function convert(part: Part, oid: number, typmod: number, name: string, ctx: ExecContext, base: Datum = null): Datum {
  const under = baseOidOf(oid);
  if (under !== oid) {
    const value = convert(part, under, domainTypmod(oid, typmod), name, ctx, base);
    checkDomain(oid, value, ctx);
    return value;
  }
  if (part.kind === 'null') return null;
  if (oid === OID.json) return part.json();
  if (oid === OID.jsonb) return new Jsonb(part.value());
  const fields = part.kind === 'string' ? null : fieldsOf(oid);
  if (fields !== null) return record(objectIn(part), fields, ctx, base instanceof PgRecord ? base : null);
  const type = typeByOid(oid);
  if (type.elementOid === 0 || part.kind === 'string') return type.input(part.text(), typmod, ctx.format);
  if (part.kind !== 'array') throw expectedArray(name, []);
  return new ArrayBuilder(type.elementOid, typmod, name, ctx).build(part);
}

function expectedArray(name: string, path: readonly number[]): Error {
  const place = path.length === 0 ? 'the value' : `the array element ${path.map((i) => `[${i}]`).join('')}`;
  return sqlError('22P02', 'expected JSON array', { hint: `See ${place} of key "${name}".` });
}

/** Arrays in arrays are dimensions, down to where the first element is none. */
class ArrayBuilder {
  readonly #elementOid: number;
  readonly #typmod: number;
  readonly #name: string;
  readonly #ctx: ExecContext;
  readonly #elements: Datum[] = [];
  readonly #lengths: number[] = [];
  #depth = 0;

  constructor(elementOid: number, typmod: number, name: string, ctx: ExecContext) {
    this.#elementOid = elementOid;
    this.#typmod = typmod;
    this.#name = name;
    this.#ctx = ctx;
  }

  build(part: Part): PgArray {
    this.#level(part, []);
    if (this.#elements.length === 0) return new PgArray(this.#elementOid, []);
    return new PgArray(this.#elementOid, this.#elements, this.#lengths.slice(0, this.#depth));
  }

  #level(part: Part, path: readonly number[]): void {
    const level = path.length;
    if (level >= DIMENSIONS_MAX) {
      const message = `number of array dimensions (${level + 1}) exceeds the maximum allowed (${DIMENSIONS_MAX})`;
      throw sqlError('54000', message);
    }
    const items = part.items();
    for (const [i, item] of items.entries()) {
      const nested = item.kind === 'array' && (this.#depth === 0 || level + 1 < this.#depth);
      if (nested) {
        this.#level(item, [...path, i]);
        continue;
      }
      if (this.#depth === 0) this.#depth = level + 1;
      else if (level + 1 < this.#depth) throw expectedArray(this.#name, [...path, i]);
      this.#elements.push(convert(item, this.#elementOid, this.#typmod, this.#name, this.#ctx));
    }
    // An empty one is as deep as it goes.
    if (this.#depth === 0) this.#depth = level + 1;
    const length = this.#lengths[level];
    if (length === undefined) this.#lengths[level] = items.length;
    else if (length !== items.length) {
      throw sqlError('22P02', 'malformed JSON array', {
        detail: 'Multidimensional arrays must have sub-arrays with matching dimensions.',
      });
    }
  }
}

// ---- rows ----

type Columns = NonNullable<CallInfo['record']>;

function columnsOf(call: { readonly record?: Columns | undefined }, name: string): Columns {
  if (call.record !== undefined) return call.record;
  throw sqlError('0A000', `could not determine row type for result of ${name}`, {
    hint: 'Provide a non-null record argument, or call the function in the FROM clause using a column definition list.',
  });
}

export type RecordFields = readonly { readonly name: string; readonly typeOid: number; readonly typmod: number }[];

/** What the document lacks is as in `base`, as it is; without one it is NULL, which not every domain allows. */
function record(part: Part, columns: RecordFields, ctx: ExecContext, base: PgRecord | null = null): PgRecord {
  return new PgRecord(
    columns.map((c) => c.typeOid),
    columns.map((c, i) => {
      const found = part.member(c.name);
      const before = base?.values[i] ?? null;
      if (found !== undefined) return convert(found, c.typeOid, c.typmod, c.name, ctx, before);
      if (base === null && isConstrained(c.typeOid)) checkDomain(c.typeOid, null, ctx);
      return before;
    }),
  );
}

function objectIn(part: Part): Part {
  if (part.kind === 'object') return part;
  throw sqlError('22023', `cannot call populate_composite on ${part.kind === 'array' ? 'an array' : 'a scalar'}`);
}

/** A row with the members of the document in the place of its own. */
export function populateRecord(
  name: string,
  base: PgRecord | null,
  document: Datum,
  fields: RecordFields | undefined,
  ctx: ExecContext,
): PgRecord | null {
  if (document === null) return base;
  return record(objectIn(partOf(document)), columnsOf({ record: fields }, name), ctx, base);
}

export function* populateRecords(
  name: string,
  base: PgRecord | null,
  document: Datum,
  fields: RecordFields | undefined,
  ctx: ExecContext,
): Iterable<PgRecord> {
  if (document === null) return;
  const columns = columnsOf({ record: fields }, name);
  const part = partOf(document);
  const what = document instanceof Jsonb ? 'a non-array' : part.kind === 'object' ? 'an object' : 'a scalar';
  for (const item of itemsOf(part, name, what)) yield record(item, columns, ctx, base);
}

function* itemsOf(part: Part, shown: string, what: string): Iterable<Part> {
  if (part.kind !== 'array') throw sqlError('22023', `cannot call ${shown} on ${what}`);
  for (const item of part.items()) {
    if (item.kind !== 'object') throw sqlError('22023', `argument of ${shown} must be an array of objects`);
    yield item;
  }
}

const STABLE = { volatility: 'stable' } as const;

function one(name: string): (document: Datum, ctx: ExecContext, call: CallInfo) => Datum {
  return (document, ctx, call) => {
    const columns = columnsOf(call, name);
    return record(objectIn(partOf(document)), columns, ctx);
  };
}

function many(
  name: string,
  notArray: (part: Part) => string,
): (document: Datum, ctx: ExecContext, call: CallInfo) => Iterable<Datum> {
  return function* rows(document, ctx, call) {
    const columns = columnsOf(call, name);
    const part = partOf(document);
    for (const item of itemsOf(part, name, notArray(part))) yield record(item, columns, ctx);
  };
}

fn('json_to_record(json) record', one('json_to_record'), STABLE);
fn('jsonb_to_record(jsonb) record', one('jsonb_to_record'), STABLE);
srf(
  'json_to_recordset(json) record',
  many('json_to_recordset', (part) => (part.kind === 'object' ? 'an object' : 'a scalar')),
  STABLE,
);
srf(
  'jsonb_to_recordset(jsonb) record',
  many('jsonb_to_recordset', () => 'a non-array'),
  STABLE,
);
