/** Names of output columns that have no AS, by PostgreSQL's rules. */
import type { Node, SelectStmt } from 'libpg-query';
import { writtenName } from '../types/pinned-types.js';
import { as, kindOf, stringsOf } from './ast.js';
import type { Expr } from './expr.js';

/** What a column without a name is called. */
const NAMELESS = '?column?';
/** In place of a name: that of the first column of a subquery that selects `*`. */
const FIRST_OF_SUBQUERY = '*';

/** The column name that PostgreSQL gives an expression without AS; null for none ("?column?"). */
export function figureNameOf(node: Node): string | null {
  return figure(node)?.name ?? null;
}

/** The same of an output, with what it was bound to. */
export function outputNameOf(node: Node, bound: Expr): string {
  const name = figureNameOf(node) ?? NAMELESS;
  return name === FIRST_OF_SUBQUERY ? firstOfSubquery(bound) : name;
}

function firstOfSubquery(bound: Expr): string {
  switch (bound.kind) {
    case 'subquery':
      return bound.plan.columns[0]?.name ?? NAMELESS;
    case 'cast':
      return firstOfSubquery(bound.arg);
    case 'case':
      return firstOfSubquery(bound.otherwise);
    default:
      return NAMELESS;
  }
}

/** Of a scalar subquery its column's name, be that "?column?". */
function figureSubquery(query: SelectStmt | undefined): string | null {
  let select = query;
  while (select?.larg !== undefined) select = select.larg;
  if (select?.valuesLists !== undefined) return 'column1';
  const first = as(select?.targetList?.[0], 'ResTarget');
  if (first?.val === undefined) return null;
  const last = as(first.val, 'ColumnRef')?.fields?.at(-1);
  if (last !== undefined && as(last, 'A_Star') !== undefined) return FIRST_OF_SUBQUERY;
  return first.name ?? figureNameOf(first.val) ?? NAMELESS;
}

function figure(node: Node): { name: string; strong: boolean } | null {
  const strong = (name: string): { name: string; strong: boolean } => ({ name, strong: true });
  switch (kindOf(node)) {
    case 'ColumnRef': {
      const names = stringsOf(as(node, 'ColumnRef')!.fields).filter((s) => s !== '');
      return names.length === 0 ? null : strong(names.at(-1)!);
    }
    case 'A_Indirection': {
      const e = as(node, 'A_Indirection')!;
      const field = (e.indirection ?? [])
        .map((n) => as(n, 'String')?.sval)
        .filter((s) => s !== undefined)
        .at(-1);
      return field !== undefined ? strong(field) : figure(e.arg!);
    }
    case 'FuncCall':
      return strong(writtenName(stringsOf(as(node, 'FuncCall')!.funcname).at(-1) ?? ''));
    case 'A_Expr':
      return as(node, 'A_Expr')!.kind === 'AEXPR_NULLIF' ? strong('nullif') : null;
    case 'TypeCast': {
      const e = as(node, 'TypeCast')!;
      const inner = figure(e.arg!);
      if (inner?.strong === true) return inner;
      return { name: stringsOf(e.typeName?.names).at(-1) ?? '', strong: false };
    }
    case 'CollateClause':
      return figure(as(node, 'CollateClause')!.arg!);
    case 'GroupingFunc':
      return strong('grouping');
    case 'SubLink': {
      const e = as(node, 'SubLink')!;
      switch (e.subLinkType ?? 'EXISTS_SUBLINK') {
        case 'EXISTS_SUBLINK':
          return strong('exists');
        case 'ARRAY_SUBLINK':
          return strong('array');
        case 'EXPR_SUBLINK': {
          const name = figureSubquery(as(e.subselect, 'SelectStmt'));
          return name === null ? null : strong(name);
        }
        default:
          return null;
      }
    }
    case 'CaseExpr': {
      const e = as(node, 'CaseExpr')!;
      const otherwise = e.defresult === undefined ? null : figure(e.defresult);
      return otherwise?.strong === true ? otherwise : { name: 'case', strong: false };
    }
    case 'A_ArrayExpr':
      return strong('array');
    case 'RowExpr':
      return strong('row');
    case 'CoalesceExpr':
      return strong('coalesce');
    case 'MinMaxExpr':
      return strong(as(node, 'MinMaxExpr')!.op === 'IS_LEAST' ? 'least' : 'greatest');
    case 'SQLValueFunction':
      return strong(
        (as(node, 'SQLValueFunction')!.op ?? 'SVFOP_CURRENT_DATE')
          .replace('SVFOP_', '')
          .replace(/_N$/, '')
          .toLowerCase(),
      );
    default:
      return null;
  }
}
