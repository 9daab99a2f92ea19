/**
 * Every function, operator, aggregate and cast that the peer's catalogs have for types of `extremes.ts`, on values at the
 * edges of those types. Each statement stands alone, so that an error on one side only is a difference.
 */
import { ANY_TYPES, extreme, EXTREME_TYPES, extremeText, mutated, quoted, RANGE_TYPES, spelled } from './extremes.js';
import { plain, type Piece } from './pieces.js';
import type { Random } from './random.js';
import type { Server } from './servers.js';

interface Callable {
  readonly kind: 'function' | 'set' | 'aggregate' | 'ordered' | 'operator';
  readonly name: string;
  readonly args: readonly string[];
  readonly result: string;
  /** The last argument is a list. */
  readonly variadic: boolean;
}

/** Depends on the place, the time or the table; internals of the server; or answers by other rules (docs/sql/differences.md). */
const LEFT_OUT =
  /^(pg_|has_|row_security|binary_|txid|inet_(client|server)|lo_|currtid|set_config|current|version|query_to|table_to|schema_to|cursor_to|database_to|xml|.*(send|recv|_in|_out|sel|support|sortsupport|_hash|hash\w*|_cmp|cmp|_larger|_smaller|_accum|_combine|_final|_transfn|_finalfn|serialize|trans|_inv|picksplit|consistent|_subdiff|_canonical|skipsupport|typmodout|\dout|byteaout|textout|nameout|charout|boolout|float\dout|dateout|oidout)$|jsonb_delete$|hash|ts_|tsquery|tsvector|to_ts(query|vector)|gin|gist|spg|brin|bt|in_range|width_bucket_|regex|like_escape|similar_escape|textanycat|anytextcat|booland_|boolor_|array_eq|numeric_u|inter(nal|_)|char_|random|setseed|gen_random|uuidv|merge_action|getdatabase|suppress|generate_subscripts|bitpos|crc32|unicode_|icu_|casefold|test_|obj_|col_|shobj|format_type|to_reg|nextval|currval|lastval|setval|mxid|pg_|amvalidate|convert|length_|oidvector|acl|makeacl|enum_|array_sample|array_shuffle|repeat$|lpad$|rpad$|array_fill$|generate_series$|string_to_table_|now|statement_|transaction_|clock_|timeofday|age$|bpchar$|satisfies_|json_\w+_(to|populate)|jsonb?_populate|jsonb?_to_record|any_value)/;

const FUNCTIONS = `
  SELECT p.prokind, p.proretset, p.proname, p.provariadic <> 0,
         p.prorettype::regtype::text,
         array_to_string(array(SELECT t::regtype::text FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (t, n) ORDER BY n), ';'),
         p.pronargdefaults, coalesce((SELECT aggkind FROM pg_aggregate WHERE aggfnoid = p.oid), 'f')
  FROM pg_proc AS p
  WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.provolatile <> 'v' AND p.prokind IN ('f', 'a')
  ORDER BY p.proname, p.proargtypes::text`;
const OPERATORS = `
  SELECT oprname, oprleft::regtype::text, oprright::regtype::text, oprresult::regtype::text
  FROM pg_operator WHERE oprcode <> 0 ORDER BY oprname, oprleft, oprright`;

const SHORT: Readonly<Record<string, string>> = {
  boolean: 'bool',
  smallint: 'int2',
  integer: 'int4',
  bigint: 'int8',
  real: 'float4',
  'double precision': 'float8',
  'character varying': 'varchar',
  character: 'bpchar',
  '"char"': 'char',
  'bit varying': 'varbit',
  'time without time zone': 'time',
  'time with time zone': 'timetz',
  'timestamp without time zone': 'timestamp',
  'timestamp with time zone': 'timestamptz',
};

function short(type: string): string {
  const element = type.endsWith('[]') ? type.slice(0, -2) : type;
  return (SHORT[element] ?? element) + (element === type ? '' : '[]');
}

const POLYMORPHIC = new Set(
  'anyelement anyarray anynonarray anyrange anymultirange anycompatible anycompatiblearray anycompatiblenonarray anycompatiblerange anycompatiblemultirange any "any"'.split(
    ' ',
  ),
);
const KNOWN = new Set([...EXTREME_TYPES, ...POLYMORPHIC]);

export class Calls {
  readonly #all: readonly Callable[];
  readonly #byResult = new Map<string, Callable[]>();

  constructor(all: readonly Callable[]) {
    this.#all = all;
    for (const one of all) {
      if (one.kind !== 'function' && one.kind !== 'operator') continue;
      if (one.args.some((type) => POLYMORPHIC.has(type))) continue;
      this.#byResult.set(one.result, [...(this.#byResult.get(one.result) ?? []), one]);
    }
  }

  /** What both servers have. */
  static async of(ours: Server, theirs: Server): Promise<Calls> {
    const [mine, others] = await Promise.all([catalogued(ours), catalogued(theirs)]);
    const key = (one: Callable): string => `${one.kind} ${one.name} ${one.args.join()}`;
    const own = new Set(mine.map(key));
    return new Calls(others.filter((one) => own.has(key(one))));
  }

  get size(): number {
    return this.#all.length;
  }

  statement(random: Random): Piece {
    const text = random.weighted<() => string>([
      [12, () => this.#call(random)],
      [2, () => this.#read(random)],
      [2, () => this.#cast(random)],
      [1, () => this.#sorted(random)],
    ])();
    return plain(text);
  }

  #value(random: Random, type: string, depth: number): string {
    const inner = this.#byResult.get(type);
    if (depth <= 0 || inner === undefined || random.chance(0.8)) return extreme(random, type);
    const call = random.pick(inner);
    return written(
      call,
      call.args.map((one) => this.#value(random, one, depth - 1)),
    );
  }

  #call(random: Random): string {
    const call = random.pick(this.#all);
    const element = random.pick(ANY_TYPES);
    const range = random.pick(RANGE_TYPES);
    const types = call.args.map((type) => concrete(random, type, element, range));
    if (call.kind === 'aggregate' || call.kind === 'ordered') return this.#aggregate(random, call, types);
    const args = types.map((type) => this.#value(random, type, 1));
    const text = written(call, args);
    if (call.kind !== 'set') return `SELECT ${text}`;
    return random.chance(0.5) ? `SELECT * FROM ${text} WITH ORDINALITY AS g LIMIT 50` : `SELECT ${text}, 1 LIMIT 50`;
  }

  #aggregate(random: Random, call: Callable, types: readonly string[]): string {
    const width = Math.max(1, types.length);
    const row = (): string =>
      `(${Array.from({ length: width }, (_, i) => extreme(random, types[i] ?? 'int4')).join(', ')})`;
    const rows = random.times(1, 6, row).join(', ');
    const columns = types.map((_, i) => `c${i}`);
    const from = `(VALUES ${rows}) AS v (${Array.from({ length: width }, (_, i) => `c${i}`).join(', ')})`;
    const list = columns.join(', ') || '*';
    if (call.kind === 'ordered') {
      const direct = types.slice(0, -1).map((type) => extreme(random, type));
      return `SELECT ${call.name}(${direct.join(', ')}) WITHIN GROUP (ORDER BY c${width - 1}${random.pick(['', ' DESC'])}) FROM ${from}`;
    }
    const text = `${call.name}(${list})`;
    return random.weighted([
      [3, `SELECT ${text} FROM ${from}`],
      [1, `SELECT ${text} FILTER (WHERE c0 IS NOT NULL) FROM ${from}`],
      [1, `SELECT ${text} OVER (ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM ${from}`],
      [1, `SELECT ${text} OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM ${from}`],
    ]);
  }

  /** The input functions, also on texts with mistakes. */
  #read(random: Random): string {
    const type = random.pick(EXTREME_TYPES);
    const text = extremeText(random, type);
    return `SELECT ${quoted(random.chance(0.7) && !type.startsWith('macaddr') ? mutated(random, text) : text)}::${spelled(type)}`;
  }

  #cast(random: Random): string {
    const [from, to] = [random.pick(EXTREME_TYPES), random.pick(EXTREME_TYPES)];
    const declared = random.pick([
      spelled(to),
      spelled(to),
      spelled(to),
      'numeric(5,2)',
      'numeric(3,-2)',
      'numeric(2,4)',
      'varchar(2)',
      'timestamp(2)',
      'timestamptz(0)',
      'interval(1)',
      'interval day to minute',
      'interval year',
      'time(3)',
      'bit(5)',
      'bit varying(2)',
      'text',
    ]);
    return `SELECT CAST(${this.#value(random, from, 1)} AS ${declared})`;
  }

  #sorted(random: Random): string {
    const type = random.pick(EXTREME_TYPES.filter((one) => !/^(json|jsonpath)\b/.test(one)));
    const rows = random.times(2, 7, () => `(${extreme(random, type)})`).join(', ');
    return `SELECT v, dense_rank() OVER (ORDER BY v) FROM (VALUES ${rows}) AS t (v) ORDER BY 1`;
  }
}

function concrete(random: Random, type: string, element: string, range: string): string {
  if (!POLYMORPHIC.has(type)) return type;
  if (type.endsWith('multirange')) return range.replace('range', 'multirange');
  if (type.endsWith('range')) return range;
  if (type.endsWith('array')) return `${element}[]`;
  return type.includes('element') || type.includes('compatible') ? element : random.pick(EXTREME_TYPES);
}

function written(call: Callable, args: readonly string[]): string {
  if (call.kind !== 'operator') {
    const name = /^[a-z_][a-z0-9_]*$/.test(call.name) ? call.name : `"${call.name}"`;
    const list = call.variadic ? [...args.slice(0, -1), `VARIADIC ${args.at(-1)!}`] : args;
    return `pg_catalog.${name}(${list.join(', ')})`;
  }
  return args.length === 1 ? `(${call.name} ${args[0]!})` : `(${args[0]!} ${call.name} ${args[1]!})`;
}

async function catalogued(server: Server): Promise<Callable[]> {
  const [functions, operators] = [await server.query(FUNCTIONS), await server.query(OPERATORS)];
  if (!functions.ok || !operators.ok) throw new Error(`${server.name} does not show its functions`);
  const found: Callable[] = [];
  for (const [prokind, set, name, variadic, result, list, , aggkind] of functions.rows) {
    if (LEFT_OUT.test(name!)) continue;
    const args = list === '' ? [] : list!.split(';').map(short);
    if (!args.every((type) => KNOWN.has(type)) || args.length === 0) continue;
    const kind = prokind === 'a' ? (aggkind === 'n' ? 'aggregate' : 'ordered') : set === 't' ? 'set' : 'function';
    found.push({ kind, name: name!, args, result: short(result!), variadic: variadic === 't' });
  }
  for (const [name, left, right, result] of operators.rows) {
    const args = [left!, right!].filter((type) => type !== '-').map(short);
    if (!args.every((type) => KNOWN.has(type))) continue;
    found.push({ kind: 'operator', name: name!, args, result: short(result!), variadic: false });
  }
  return found;
}
