/**
 * Parse trees of expressions back to SQL text, fully parenthesised, for DEFAULT, CHECK and EXECUTE arguments.
 * The text is parsed again by the planner, which prints the canonical form; so this one needs only to
 * mean the same. Subqueries and window calls have no place in those expressions: 0A000.
 */
import { sqlError } from '../../base/errors.js';
import { errorAt } from '../plan/error-at.js';

type Loose = Readonly<Record<string, unknown>>;

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
export function quoteLiteral(text: string): string {
  const doubled = text.replaceAll("'", "''");
  return doubled.includes('\\') ? `E'${doubled.replaceAll('\\', '\\\\')}'` : `'${doubled}'`;
}

function list(value: unknown): Loose[] {
  return Array.isArray(value) ? (value as Loose[]) : [];
}
function body(node: unknown): { kind: string; of: Loose } {
  const entry = Object.entries((node ?? {}) as Loose)[0];
  if (entry === undefined) throw sqlError('42601', 'empty expression');
  return { kind: entry[0], of: entry[1] as Loose };
}
function strings(value: unknown): string[] {
  return list(value).map((n) => String((n['String'] as Loose | undefined)?.['sval'] ?? ''));
}
function args(value: unknown): string {
  return list(value).map(deparse).join(', ');
}

export function deparseTypeName(type: Loose): string {
  const names = strings(type['names']);
  const mods = list(type['typmods']);
  const name = names[names.length - 1] ?? '';
  const arrays = list(type['arrayBounds']).length > 0 ? '[]' : '';
  // Catalog names (int4, bpchar, …) keep their meaning when qualified; "char" does not exist unqualified.
  const shown = names.length > 1 ? names.map(quoteIdentifier).join('.') : quoteIdentifier(name);
  if (name === 'interval' && mods.length > 0) return `interval${intervalMods(mods)}${arrays}`;
  return `${shown}${mods.length > 0 ? `(${mods.map(deparse).join(', ')})` : ''}${arrays}`;
}

function intervalMods(mods: readonly Loose[]): string {
  const precision = mods[1];
  return precision === undefined ? '' : `(${deparse(precision)})`;
}

export function deparse(node: unknown): string {
  const { kind, of } = body(node);
  switch (kind) {
    case 'A_Const':
      return constant(of);
    case 'ColumnRef':
      return list(of['fields'])
        .map((f) => ('A_Star' in f ? '*' : quoteIdentifier(strings([f])[0]!)))
        .join('.');
    case 'ParamRef':
      return `$${Number(of['number'] ?? 0)}`;
    case 'TypeCast':
      return `(${deparse(of['arg'])})::${deparseTypeName(of['typeName'] as Loose)}`;
    case 'CollateClause':
      return `(${deparse(of['arg'])}) COLLATE ${strings(of['collname']).map(quoteIdentifier).join('.')}`;
    case 'FuncCall':
      return functionCall(of);
    case 'A_Expr':
      return operator(of);
    case 'BoolExpr':
      return boolean(of);
    case 'NullTest':
      return `((${deparse(of['arg'])}) IS ${of['nulltesttype'] === 'IS_NOT_NULL' ? 'NOT ' : ''}NULL)`;
    case 'BooleanTest':
      return `((${deparse(of['arg'])}) ${String(of['booltesttype'] ?? 'IS_TRUE').replaceAll('_', ' ')})`;
    case 'CaseExpr':
      return caseExpression(of);
    case 'CoalesceExpr':
      return `COALESCE(${args(of['args'])})`;
    case 'MinMaxExpr':
      return `${of['op'] === 'IS_LEAST' ? 'LEAST' : 'GREATEST'}(${args(of['args'])})`;
    case 'SQLValueFunction':
      return valueFunction(of);
    case 'A_ArrayExpr':
      return `ARRAY[${args(of['elements'])}]`;
    case 'RowExpr':
      return `ROW(${args(of['args'])})`;
    case 'List':
      return `(${args(of['items'])})`;
    case 'NamedArgExpr':
      return `${quoteIdentifier(String(of['name']))} => ${deparse(of['arg'])}`;
    case 'A_Indirection':
      return `(${deparse(of['arg'])})${list(of['indirection']).map(indirection).join('')}`;
    case 'GroupingFunc':
      return `GROUPING(${args(of['args'])})`;
    case 'SetToDefault':
      throw errorAt('42601', 'DEFAULT is not allowed in this context', Number(of['location'] ?? -1));
    case 'SubLink':
      throw sqlError('0A000', 'cannot use subquery in this expression');
    default:
      throw sqlError('0A000', `expression of kind ${kind} is not supported here`);
  }
}

function constant(of: Loose): string {
  if (of['isnull'] === true) return 'NULL';
  const [kind, value] = Object.entries(of).find(([key]) => key.endsWith('val')) ?? ['', {}];
  const inner = value as Loose;
  switch (kind) {
    case 'ival':
      return String(inner['ival'] ?? 0);
    case 'fval':
      return String(inner['fval'] ?? '0');
    case 'boolval':
      return inner['boolval'] === true ? 'true' : 'false';
    case 'sval':
      return quoteLiteral(String(inner['sval'] ?? ''));
    case 'bsval':
      return bitString(String(inner['bsval'] ?? ''));
    default:
      return 'NULL';
  }
}

function bitString(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}'${text.slice(1)}'`;
}

function functionCall(of: Loose): string {
  if (of['over'] !== undefined) throw sqlError('42P20', 'window functions are not allowed here');
  const name = strings(of['funcname']).map(quoteIdentifier).join('.');
  if (of['agg_star'] === true) return `${name}(*)`;
  const distinct = of['agg_distinct'] === true ? 'DISTINCT ' : '';
  const values = list(of['args']).map(deparse);
  if (of['func_variadic'] === true && values.length > 0)
    values[values.length - 1] = `VARIADIC ${values[values.length - 1]}`;
  if (of['funcformat'] === 'COERCE_SQL_SYNTAX') {
    const words = inWords(strings(of['funcname']).at(-1)!, values);
    if (words !== null) return words;
  }
  return `${name}(${distinct}${values.join(', ')})`;
}

/** A call written in SQL's own words is so again, as PostgreSQL shows it later. null: it has no such words here. */
function inWords(name: string, values: readonly string[]): string | null {
  const [a, b, c, d] = values.map((value) => `(${value})`);
  const form = (text: string | undefined): string => (text ?? '').replaceAll(/[(')]/g, '');
  switch (name) {
    case 'timezone':
      return values.length === 2 ? `(${b} AT TIME ZONE ${a})` : null;
    case 'extract':
      return `EXTRACT(${values[0]} FROM ${b})`;
    case 'overlaps':
      return values.length === 4 ? `((${a}, ${b}) OVERLAPS (${c}, ${d}))` : null;
    case 'position':
      return `POSITION(${b} IN ${a})`;
    case 'overlay':
      return `OVERLAY(${a} PLACING ${b} FROM ${c}${d === undefined ? '' : ` FOR ${d}`})`;
    case 'substring':
      return b === undefined ? null : `SUBSTRING(${a} FROM ${b}${c === undefined ? '' : ` FOR ${c}`})`;
    case 'normalize':
      return `NORMALIZE(${values[0]}${b === undefined ? '' : `, ${form(b)}`})`;
    case 'is_normalized':
      return `(${a} IS ${form(b)} NORMALIZED)`;
    case 'pg_collation_for':
      return `COLLATION FOR (${values[0]})`;
    default: {
      const side = { btrim: 'BOTH', ltrim: 'LEADING', rtrim: 'TRAILING' }[name];
      return side === undefined ? null : `TRIM(${side} ${b ?? ''} FROM ${a})`;
    }
  }
}

function operatorName(names: readonly string[]): string {
  if (names.length === 1) return names[0]!;
  return `OPERATOR(${names.slice(0, -1).map(quoteIdentifier).join('.')}.${names[names.length - 1]})`;
}

function operator(of: Loose): string {
  const name = operatorName(strings(of['name']));
  const left = of['lexpr'] === undefined ? null : `(${deparse(of['lexpr'])})`;
  const right = of['rexpr'];
  const r = (): string => `(${deparse(right)})`;
  switch (String(of['kind'] ?? 'AEXPR_OP')) {
    case 'AEXPR_OP':
      return left === null ? `(${name} ${r()})` : `(${left} ${name} ${r()})`;
    case 'AEXPR_OP_ANY':
      return `(${left} ${name} ANY (${deparse(right)}))`;
    case 'AEXPR_OP_ALL':
      return `(${left} ${name} ALL (${deparse(right)}))`;
    case 'AEXPR_DISTINCT':
      return `(${left} IS DISTINCT FROM ${r()})`;
    case 'AEXPR_NOT_DISTINCT':
      return `(${left} IS NOT DISTINCT FROM ${r()})`;
    case 'AEXPR_NULLIF':
      return `NULLIF(${deparse(of['lexpr'])}, ${deparse(right)})`;
    case 'AEXPR_IN':
      return `(${left} ${name === '<>' ? 'NOT IN' : 'IN'} ${deparse(right)})`;
    case 'AEXPR_LIKE':
      return `(${left} ${name} ${r()})`;
    case 'AEXPR_ILIKE':
      return `(${left} ${name} ${r()})`;
    case 'AEXPR_SIMILAR':
      return `(${left} ${name} ${r()})`;
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN':
    case 'AEXPR_BETWEEN_SYM':
    case 'AEXPR_NOT_BETWEEN_SYM': {
      const bounds = list((right as Loose)['List'] === undefined ? [] : ((right as Loose)['List'] as Loose)['items']);
      return `(${left} ${name} (${deparse(bounds[0])}) AND (${deparse(bounds[1])}))`;
    }
    default:
      throw sqlError('0A000', `operator ${name} is not supported here`);
  }
}

function boolean(of: Loose): string {
  const parts = list(of['args']).map((a) => `(${deparse(a)})`);
  switch (of['boolop']) {
    case 'NOT_EXPR':
      return `(NOT ${parts[0]})`;
    case 'OR_EXPR':
      return `(${parts.join(' OR ')})`;
    default:
      return `(${parts.join(' AND ')})`;
  }
}

function caseExpression(of: Loose): string {
  const arg = of['arg'] === undefined ? '' : ` ${deparse(of['arg'])}`;
  const whens = list(of['args']).map((w) => {
    const when = w['CaseWhen'] as Loose;
    return ` WHEN ${deparse(when['expr'])} THEN ${deparse(when['result'])}`;
  });
  const otherwise = of['defresult'] === undefined ? '' : ` ELSE ${deparse(of['defresult'])}`;
  return `(CASE${arg}${whens.join('')}${otherwise} END)`;
}

function valueFunction(of: Loose): string {
  const op = String(of['op'] ?? 'SVFOP_CURRENT_DATE').replace('SVFOP_', '');
  if (op.endsWith('_N')) return `${op.slice(0, -2)}(${Number(of['typmod'] ?? 0)})`;
  return op;
}

function indirection(node: Loose): string {
  const { kind, of } = body(node);
  if (kind === 'String') return `.${quoteIdentifier(String(of['sval']))}`;
  if (kind === 'A_Indices') {
    const upper = of['uidx'] === undefined ? '' : deparse(of['uidx']);
    if (of['is_slice'] !== true) return `[${upper}]`;
    return `[${of['lidx'] === undefined ? '' : deparse(of['lidx'])}:${upper}]`;
  }
  return '.*';
}
