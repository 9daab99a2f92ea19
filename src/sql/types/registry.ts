/**
 * All types by oid and by name, their modifiers, and their names as format_type prints them. Arrays of
 * every type are derived from the element type. Types that users make come by `registerType` (user-types.ts),
 * under oids that no catalog has, and are found by oid only.
 */
import { sqlError } from '../../base/errors.js';
import { encodeKeyArray, encodeKeyInt, KEY_NULL } from '../encoding/key-primitives.js';
import { arrayHashKey, arrayInput, arrayOutput, arrayReceive, arraySend, compareArrays } from './array.js';
import { PgArray, PgRecord } from './datum.js';
import type { Datum } from './datum.js';
import { builtInCollation, builtInCollationOf, collationOfKey } from './collation.js';
import { BEHAVIOURS, unsignedType } from './definitions.js';
import { quoteIdentifier, splitName } from './identifiers.js';
import type { TypeBehaviour } from './definitions.js';
import { MORE_BEHAVIOURS } from './more-definitions.js';
import { multirangeBehaviour } from './multirange.js';
import { numericTypmod } from './numeric.js';
import { OID } from './oids.js';
import { addRangeKind, RANGE_OIDS, rangeBehaviour } from './range.js';
import { parseOid } from './scalar-input.js';
import { vectorBehaviour } from './vector.js';
import { replaceEach } from './text-builder.js';
import { TYPE_TABLE } from './type-table.js';
import { readOperator, readOperatorSignature, showOperator, showOperatorSignature } from './reg-operators.js';
import { checkSchema, oidWritten, onlyName, schemaName, schemaOid, missingRelation, unquote } from './reg-names.js';
import { readProcedure, requireSchema, showProcedure } from './reg-procedures.js';
import type { TypeNames } from './reg-procedures.js';
import type { FormatContext, StoredForm, TypeInfo } from './type-info.js';

const byOid = new Map<number, TypeInfo>();
const byPgName = new Map<string, TypeInfo>();

/** Names as SQL writes them that are not pg_type's. */
const ALIASES: Readonly<Record<string, string>> = {
  boolean: 'bool',
  smallint: 'int2',
  int: 'int4',
  integer: 'int4',
  bigint: 'int8',
  real: 'float4',
  float: 'float8',
  'double precision': 'float8',
  decimal: 'numeric',
  dec: 'numeric',
  character: 'bpchar',
  'character varying': 'varchar',
  'national character': 'bpchar',
  'national character varying': 'varchar',
  nchar: 'bpchar',
  'bit varying': 'varbit',
  'time without time zone': 'time',
  'time with time zone': 'timetz',
  'timestamp without time zone': 'timestamp',
  'timestamp with time zone': 'timestamptz',
  '"char"': 'char',
  string: 'text',
};

/** @throws QuoralError XX000 for an oid that is no type: callers have checked user input before. */
export function typeByOid(oid: number): TypeInfo {
  const type = byOid.get(oid);
  if (type === undefined) throw sqlError('XX000', `cache lookup failed for type ${oid}`);
  return type;
}
export function findTypeByOid(oid: number): TypeInfo | null {
  return byOid.get(oid) ?? null;
}

/**
 * By pg_type name or SQL name, 'x[]' included; the name is taken as it is (lower case) without modifiers.
 * 'char' is pg_type's one-byte type here, as "char" in SQL; the grammar already turns char(n) into bpchar.
 */
export function typeByName(name: string): TypeInfo | null {
  const direct = byPgName.get(name);
  if (direct !== undefined) return direct;
  if (name.endsWith('[]')) {
    const element = typeByName(name.replace(/(?:\[\])+$/, ''));
    return element === null || element.arrayOid === 0 ? null : (byOid.get(element.arrayOid) ?? null);
  }
  const alias = Object.hasOwn(ALIASES, name) ? ALIASES[name]! : undefined;
  return alias === undefined ? null : (byPgName.get(alias) ?? null);
}

/** The built-in ones. */
export function allTypes(): readonly TypeInfo[] {
  return [...byPgName.values()];
}

export function registerType(type: TypeInfo): void {
  byOid.set(type.oid, type);
}

/** The oid that clients, catalogs and disks know the type by. */
export function catalogOidOf(oid: number): number {
  return byOid.get(oid)?.catalogOid ?? oid;
}

export function isArrayType(oid: number): boolean {
  const type = byOid.get(oid);
  return type !== undefined && type.elementOid !== 0 && type.category === 'A';
}
/** int2vector and oidvector, lists of numbers in catalogs: arrays of numbers, but elements of other arrays. */
export function isVectorType(oid: number): boolean {
  return oid === OID.int2vector || oid === OID.oidvector;
}
/** Element type of an array or of int2vector/oidvector; 0 if it is none. */
export function elementOidOf(oid: number): number {
  const type = byOid.get(oid);
  return type === undefined || oid === OID.name ? 0 : type.elementOid;
}
export function arrayOidOf(oid: number): number {
  return byOid.get(oid)?.arrayOid ?? 0;
}

const INTERVAL_RANGES: Readonly<Record<number, string>> = {
  4: ' year',
  2: ' month',
  8: ' day',
  1024: ' hour',
  2048: ' minute',
  4096: ' second',
  6: ' year to month',
  1032: ' day to hour',
  3080: ' day to minute',
  7176: ' day to second',
  3072: ' hour to minute',
  7168: ' hour to second',
  6144: ' minute to second',
};

/** The modifier as it is written after the type's name: '(10,2)', '(3)', ''. */
export function formatTypmod(oid: number, typmod: number): string {
  if (typmod < 0) return '';
  switch (oid) {
    case OID.varchar:
    case OID.bpchar:
      return typmod > 4 ? `(${typmod - 4})` : '';
    case OID.numeric: {
      const limit = numericTypmod(typmod);
      return limit === null ? '' : `(${limit.precision},${limit.scale})`;
    }
    case OID.time:
    case OID.timetz:
    case OID.timestamp:
    case OID.timestamptz:
    case OID.bit:
    case OID.varbit:
      return `(${typmod})`;
    case OID.interval: {
      const precision = typmod & 0xffff;
      return (INTERVAL_RANGES[(typmod >> 16) & 0x7fff] ?? '') + (precision === 0xffff ? '' : `(${precision})`);
    }
    default:
      return '';
  }
}

/** format_type(): typmod null means that none is known, -1 that there is none. */
export function formatType(oid: number, typmod: number | null = null): string {
  if (oid === 0) return '-';
  const type = byOid.get(oid);
  if (type === undefined) return '???';
  if (type.category === 'A' && type.elementOid !== 0 && !isVectorType(oid)) {
    return `${formatType(type.elementOid, typmod)}[]`;
  }
  if (oid === OID.bpchar && typmod !== null && typmod < 0) return 'bpchar';
  if (oid === OID.bit && typmod !== null && typmod < 0) return '"bit"';
  const suffix = typmod === null ? '' : formatTypmod(oid, typmod);
  if (suffix !== '' && !suffix.startsWith(' ')) {
    const split = /^(time|timestamp)( with(?:out)? time zone)$/.exec(type.sqlName);
    if (split !== null) return split[1]! + suffix + split[2]!;
  }
  return type.sqlName + suffix;
}

const MASK_FULL = 0x7fff;

/** From the numbers in parentheses (interval: field mask, then precision) to a typmod. */
export function makeTypmod(oid: number, args: readonly number[]): number {
  const type = typeByOid(oid);
  if (type.category === 'A' && type.elementOid !== 0) return makeTypmod(type.elementOid, args);
  if (args.length === 0) return -1;
  const [first = 0, second] = args;
  switch (oid) {
    case OID.varchar:
    case OID.bpchar: {
      const shown = oid === OID.varchar ? 'varchar' : 'char';
      if (args.length > 1) throw sqlError('22023', 'invalid type modifier');
      if (first < 1) throw sqlError('22023', `length for type ${shown} must be at least 1`);
      if (first > 10485760) throw sqlError('22023', `length for type ${shown} cannot exceed 10485760`);
      return first + 4;
    }
    case OID.bit:
    case OID.varbit: {
      const shown = oid === OID.bit ? 'bit' : 'varbit';
      if (args.length > 1) throw sqlError('22023', 'invalid type modifier');
      if (first < 1) throw sqlError('22023', `length for type ${shown} must be at least 1`);
      if (first > 83886080) throw sqlError('22023', `length for type ${shown} cannot exceed 83886080`);
      return first;
    }
    case OID.numeric: {
      if (args.length > 2) throw sqlError('22023', 'invalid NUMERIC type modifier');
      const scale = second ?? 0;
      if (first < 1 || first > 1000) throw sqlError('22023', `NUMERIC precision ${first} must be between 1 and 1000`);
      if (scale < -1000 || scale > 1000)
        throw sqlError('22023', `NUMERIC scale ${scale} must be between -1000 and 1000`);
      return ((first << 16) | (scale & 0x7ff)) + 4;
    }
    case OID.time:
    case OID.timetz:
    case OID.timestamp:
    case OID.timestamptz: {
      if (first < 0) {
        const shown = {
          [OID.time]: 'TIME',
          [OID.timetz]: 'TIME',
          [OID.timestamp]: 'TIMESTAMP',
          [OID.timestamptz]: 'TIMESTAMP',
        }[oid];
        const zone = oid === OID.timetz || oid === OID.timestamptz ? ' WITH TIME ZONE' : '';
        throw sqlError('22023', `${shown}(${first})${zone} precision must not be negative`);
      }
      return Math.min(first, 6);
    }
    case OID.interval: {
      const precision = second === undefined ? 0xffff : Math.min(second, 6);
      return ((first & MASK_FULL) << 16) | precision;
    }
    default:
      throw sqlError('42601', `type modifier is not allowed for type "${type.name}"`);
  }
}

// ---- building the registry ----

function add(type: TypeInfo): void {
  byOid.set(type.oid, type);
  byPgName.set(type.name, type);
}

const regrole = unsignedType(
  (text, ctx) => {
    const known = oidWritten(text, 'regrole');
    if (known !== null) return known;
    const name = onlyName(text);
    const oid = ctx.names?.roleOid?.(name) ?? null;
    if (oid === null) throw sqlError('42704', `role "${name}" does not exist`);
    return oid;
  },
  (oid, ctx) => {
    if (oid === 0) return '-';
    const name = ctx.names?.roleName?.(oid) ?? null;
    return name === null ? String(oid) : quoteIdentifier(name);
  },
);

const regnamespace = unsignedType(
  (text, ctx) => {
    const known = oidWritten(text, 'regnamespace');
    if (known !== null) return known;
    const name = onlyName(text);
    const oid = schemaOid(name, ctx);
    if (oid === null) throw sqlError('3F000', `schema "${name}" does not exist`);
    return oid;
  },
  (oid, ctx) => {
    if (oid === 0) return '-';
    const name = schemaName(oid, ctx);
    if (name === null) return String(oid);
    return quoteIdentifier(name);
  },
);

const regclass = unsignedType(
  (text, ctx) => {
    const oid = oidWritten(text, 'regclass') ?? ctx.names?.relationOid(text) ?? null;
    if (oid === null) throw missingRelation(text, (schema) => schemaOid(schema, ctx));
    return oid;
  },
  (oid, ctx) => (oid === 0 ? '-' : (ctx.names?.relationName(oid) ?? String(oid))),
);

const regtype = unsignedType(
  (text, ctx) => {
    const known = oidWritten(text, 'regtype');
    if (known !== null) return known;
    if (text.trim() === '') throw sqlError('42601', 'invalid type name ""');
    const plain = text
      .trim()
      .replace(/^(?:pg_catalog|"pg_catalog")\./i, '')
      .replace(/\s*\([^)]*\)/, '');
    const type = typeByName(
      plain.startsWith('"') ? unquote(plain) : plain.toLowerCase() === 'char' ? 'bpchar' : plain.toLowerCase(),
    );
    const oid = type?.oid ?? ctx.names?.typeOid(text.trim()) ?? null;
    if (oid === null && /^[\w".$]+$/.test(plain)) checkSchema(plain, ctx);
    if (oid === null) throw sqlError('42704', `type "${text.trim()}" does not exist`);
    return oid;
  },
  (oid, ctx) => (byOid.has(oid) ? formatType(oid) : oid === 0 ? '-' : (ctx.names?.typeName(oid) ?? String(oid))),
);

const typeNames: TypeNames = {
  read: (text, ctx) => regtype.input(text, -1, ctx) as number,
  show: (oid, ctx) => regtype.output(oid, ctx),
};

function procedureType(signature: boolean): TypeBehaviour {
  return unsignedType(
    (text, ctx) => oidWritten(text, 'regproc') ?? readProcedure(text.trim(), signature, ctx, typeNames),
    (oid, ctx) => showProcedure(oid, signature, ctx, typeNames),
  );
}

const regcollation = unsignedType(
  (text, ctx) => {
    const written = text.trim();
    const known = oidWritten(written, 'regcollation');
    if (known !== null) return known;
    const parts = splitName(written);
    const name = parts.at(-1) ?? '';
    const builtIn = parts.length === 1 || parts.at(-2) === 'pg_catalog' ? builtInCollation(name) : null;
    const oid = builtIn === null ? ctx.names?.collationOid?.(written) : collationOfKey(builtIn).oid;
    if (oid == null && parts.length === 2) requireSchema(parts[0]!, ctx);
    if (oid == null) throw sqlError('42704', `collation "${parts.join('.')}" for encoding "UTF8" does not exist`);
    return oid;
  },
  (oid, ctx) => {
    const builtIn = builtInCollationOf(oid);
    if (builtIn !== null) return quoteIdentifier(builtIn);
    return oid === 0 ? '-' : (ctx.names?.collationName?.(oid) ?? String(oid));
  },
);

const regoper = unsignedType(
  (text, ctx) => (/^\s*\d+\s*$/.test(text) ? parseOid(text) : readOperator(text.trim(), ctx)),
  (oid) => showOperator(oid),
);
const regoperator = unsignedType(
  (text, ctx) => (/^\s*\d+\s*$/.test(text) ? parseOid(text) : readOperatorSignature(text.trim(), ctx, typeNames)),
  (oid, ctx) => showOperatorSignature(oid, ctx, typeNames),
);

const REG_BEHAVIOURS: ReadonlyMap<number, TypeBehaviour> = new Map<number, TypeBehaviour>([
  [OID.regclass, regclass],
  [OID.regtype, regtype],
  [OID.regproc, procedureType(false)],
  [OID.regprocedure, procedureType(true)],
  [OID.regoper, regoper],
  [OID.regoperator, regoperator],
  [OID.regcollation, regcollation],
  [OID.regnamespace, regnamespace],
  [OID.regrole, regrole],
]);

/** Pseudo-types have no values of their own. */
function pseudo(name: string): TypeBehaviour {
  const refuse = (): never => {
    throw sqlError('0A000', `cannot accept a value of type ${name}`);
  };
  return {
    input: refuse,
    output: refuse,
    receive: refuse,
    send: refuse,
    compare: refuse,
    hashKey: refuse,
    encodeKey: null,
    applyTypmod: (v) => v,
  };
}

export function arrayOf(element: TypeInfo): TypeBehaviour {
  const encodeElement = element.encodeKey;
  return {
    ...(element.stored === undefined ? {} : { stored: storedArray(element, element.stored) }),
    input: (text, typmod, ctx) => arrayInput(text, element, typmod, ctx),
    output: (v, ctx) => arrayOutput(v as PgArray, element, ctx),
    receive: (b, typmod) => arrayReceive(b, element, typmod),
    send: (v) => arraySend(v as PgArray, element),
    compare: (a, b) => compareArrays(a as PgArray, b as PgArray, element),
    hashKey: (v) => arrayHashKey(v as PgArray, element),
    encodeKey: encodeElement === null ? null : (v) => encodeKeyArray(v as PgArray, encodeElement),
    applyTypmod(v, typmod, explicit) {
      if (typmod < 0) return v;
      const array = v as PgArray;
      const items = array.elements.map((item) => (item === null ? null : element.applyTypmod(item, typmod, explicit)));
      return new PgArray(array.elementOid, items, array.dims, array.lowerBounds);
    },
  };
}

function storedArray(element: TypeInfo, stored: StoredForm): StoredForm {
  return {
    encode: (v) => arraySend(v as PgArray, element, stored),
    decode: (b) => arrayReceive(b, element, -1, stored),
  };
}

const RECORD_QUOTED = /[(),"\\\s]|^$/;
export const record: TypeBehaviour = {
  input() {
    throw sqlError('0A000', 'input of anonymous composite types is not implemented');
  },
  output(v, ctx) {
    const { typeOids, values } = v as PgRecord;
    const parts = values.map((item, i) => {
      if (item === null) return '';
      const text = typeByOid(typeOids[i]!).output(item, ctx);
      return RECORD_QUOTED.test(text) ? `"${replaceEach(text, /["\\]/g, '$&$&')}"` : text;
    });
    return `(${parts.join(',')})`;
  },
  receive(b) {
    const oids: number[] = [];
    const values: Datum[] = [];
    const short = (): Error => sqlError('08P01', 'insufficient data left in message');
    if (b.length < 4) throw short();
    let at = 4;
    for (let n = b.readInt32BE(0); n > 0; n--) {
      if (at + 8 > b.length) throw short();
      const oid = b.readUInt32BE(at);
      const length = b.readInt32BE(at + 4);
      at += 8;
      if (length > b.length - at) throw short();
      oids.push(oid);
      values.push(length < 0 ? null : typeByOid(oid).receive(b.subarray(at, at + length), -1));
      at += Math.max(0, length);
    }
    return new PgRecord(oids, values);
  },
  send(v) {
    const { typeOids, values } = v as PgRecord;
    const head = Buffer.alloc(4);
    head.writeInt32BE(values.length);
    const parts: Uint8Array[] = [head];
    values.forEach((item, i) => {
      const field = Buffer.alloc(8);
      field.writeUInt32BE(catalogOidOf(typeOids[i]!), 0);
      const bytes = item === null ? null : typeByOid(typeOids[i]!).send(item);
      field.writeInt32BE(bytes === null ? -1 : bytes.length, 4);
      parts.push(field);
      if (bytes !== null) parts.push(bytes);
    });
    return Buffer.concat(parts);
  },
  compare(a, b) {
    const x = a as PgRecord;
    const y = b as PgRecord;
    const shared = Math.min(x.values.length, y.values.length);
    for (let i = 0; i < shared; i++) {
      const p = x.values[i]!;
      const q = y.values[i]!;
      if (p === null || q === null) {
        if (p !== q) return p === null ? 1 : -1;
        continue;
      }
      if (x.typeOids[i] !== y.typeOids[i]) {
        throw sqlError(
          '42804',
          `cannot compare dissimilar column types ${formatType(x.typeOids[i]!)} and ${formatType(y.typeOids[i]!)} at record column ${i + 1}`,
        );
      }
      const order = x.orders?.[i] ?? y.orders?.[i];
      const c = order === undefined ? typeByOid(x.typeOids[i]!).compare(p, q) : order(p, q);
      if (c !== 0) return c;
    }
    if (x.values.length !== y.values.length)
      throw sqlError('42804', 'cannot compare record types with different numbers of columns');
    return 0;
  },
  hashKey(v) {
    const { typeOids, values } = v as PgRecord;
    return values
      .map((item, i) => {
        if (item === null) return 'N';
        const key = String(typeByOid(typeOids[i]!).hashKey(item));
        return `${key.length}:${key}`;
      })
      .join(';');
  },
  encodeKey: (v) => {
    const { typeOids, values } = v as PgRecord;
    let out = encodeKeyInt(values.length);
    values.forEach((item, i) => {
      const type = typeByOid(typeOids[i]!);
      if (type.encodeKey === null)
        throw sqlError('42883', `could not identify a comparison function for type ${type.sqlName}`);
      out += item === null ? KEY_NULL : type.encodeKey(item);
    });
    return out;
  },
  applyTypmod: (v) => v,
};

for (const [oid, name, sqlName, category, preferred, length, arrayOid, elementOid] of TYPE_TABLE) {
  const behaviour = isVectorType(oid)
    ? pseudo(name)
    : oid === OID.record
      ? record
      : (BEHAVIOURS.get(oid) ?? REG_BEHAVIOURS.get(oid) ?? MORE_BEHAVIOURS.get(oid) ?? pseudo(sqlName));
  add({ oid, catalogOid: oid, name, sqlName, category, preferred, length, arrayOid, elementOid, ...behaviour });
}
for (const [oid, elementOid] of [
  [OID.int2vector, OID.int2],
  [OID.oidvector, OID.oid],
] as const) {
  const type = typeByOid(oid);
  const element = typeByOid(elementOid);
  add({ ...type, ...vectorBehaviour(element, arrayOf(element), type.name) });
}
for (const [oid, multirangeOid, elementOid] of RANGE_OIDS) {
  const kind = addRangeKind(oid, multirangeOid, typeByOid(elementOid));
  add({ ...typeByOid(oid), ...rangeBehaviour(kind) });
  add({ ...typeByOid(multirangeOid), ...multirangeBehaviour(kind) });
}
for (const type of [...byOid.values()]) {
  if (type.arrayOid === 0 || byOid.has(type.arrayOid)) continue;
  add({
    oid: type.arrayOid,
    catalogOid: type.arrayOid,
    name: `_${type.name}`,
    sqlName: `${type.sqlName}[]`,
    category: 'A',
    preferred: false,
    length: -1,
    arrayOid: 0,
    elementOid: type.oid,
    ...arrayOf(type),
  });
}

/** For those who want it as one object. */
export const typeRegistry = { typeByOid, findTypeByOid, typeByName, allTypes, formatType, makeTypmod } as const;

export type { FormatContext };
