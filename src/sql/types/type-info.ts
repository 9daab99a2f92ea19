/** What the binder, the executor, the row codecs and the wire ask of a type. */
import type { Datum } from './datum.js';

/** Names of catalog objects, for the text form of regclass and its relatives. */
export interface NameResolver {
  relationOid(name: string): number | null;
  relationName(oid: number): string | null;
  /** Schemas that users made. */
  schemaOid?(name: string): number | null;
  schemaNameOf?(oid: number): string | null;
  roleOid?(name: string): number | null;
  roleName?(oid: number): string | null;
  /** Types that users made, by the oids that pg_type shows; 'x[]' included. */
  typeOid(name: string): number | null;
  typeName(oid: number): string | null;
  /** Collations that users made; the name as SQL, with its schema where that is needed. @throws 3F000 */
  collationOid?(name: string): number | null;
  collationName?(oid: number): string | null;
  /** Functions that users made; `types` null: whatever they take. @throws 42725 */
  routineOid?(name: string, types: readonly number[] | null): number | null;
  /** As SQL, with the types that it takes if asked for. */
  routineName?(oid: number, types: boolean): string | null;
}

/** Settings that change text input and output. */
export interface FormatContext {
  readonly timeZone: string;
  readonly extraFloatDigits: number;
  readonly byteaOutput: 'hex' | 'escape';
  readonly intervalStyle: 'postgres' | 'iso_8601' | 'sql_standard' | 'postgres_verbose';
  readonly dateStyle: string;
  /** Transaction start, for now() and 'today'; microseconds since 2000-01-01 UTC. */
  readonly transactionNow: bigint;
  readonly statementNow: bigint;
  /** Without it, regclass and the like show numbers. */
  readonly names?: NameResolver;
}

/** How a value is kept on disk, where that is not what clients see of it in binary. */
export interface StoredForm {
  encode(value: Exclude<Datum, null>): Uint8Array;
  /** @throws QuoralError XX001 */
  decode(bytes: Buffer): Exclude<Datum, null>;
}

export interface TypeInfo {
  /** As code and plans name the type in this process; of a user's type it is a handle (user-types.ts). */
  readonly oid: number;
  /** As pg_type, clients and disks name it. */
  readonly catalogOid: number;
  /** pg_type.typname, e.g. int4, varchar, _int4. */
  readonly name: string;
  /** SQL name without modifier, as format_type prints it, e.g. integer, character varying. */
  readonly sqlName: string;
  /** pg_type.typcategory: B N S D T A U … and 'X' for unknown. */
  readonly category: string;
  readonly preferred: boolean;
  /** pg_type.typlen: -1 for variable. */
  readonly length: number;
  readonly arrayOid: number;
  readonly elementOid: number;
  /** Parses text. @throws QuoralError 22P02 and relatives exactly as PostgreSQL words them. */
  input(text: string, typmod: number, ctx: FormatContext): Datum;
  output(value: Exclude<Datum, null>, ctx: FormatContext): string;
  /** Binary wire format. @throws QuoralError 22P03 / 08P01. */
  receive(bytes: Buffer, typmod: number): Datum;
  send(value: Exclude<Datum, null>): Uint8Array;
  /** Total order of non-null values (btree order); -1, 0, 1. */
  compare(a: Exclude<Datum, null>, b: Exclude<Datum, null>): number;
  /** Equal values give the identical primitive, for hash joins and grouping. */
  hashKey(value: Exclude<Datum, null>): string | number | bigint | boolean;
  /** Order-preserving binary string of a non-null value (self-delimiting; see key-codec). */
  encodeKey: ((value: Exclude<Datum, null>) => string) | null;
  /** Applies the length/precision modifier on assignment (explicit = cast, truncates silently). */
  applyTypmod(value: Exclude<Datum, null>, typmod: number, explicit: boolean): Datum;
  readonly stored?: StoredForm;
  /** Of a typed table's rows: the type that each is a value of as well, by its oid in the catalog. */
  readonly rowOfType?: number;
  /** Of a composite type: a record of any types as one of it. @throws QuoralError 42846 */
  fromRecord?(value: Exclude<Datum, null>, ctx: FormatContext): Datum;
}
