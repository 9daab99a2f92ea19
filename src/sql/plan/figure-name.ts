/** Names of output columns that have no AS, by PostgreSQL's rules. */
import type { Node } from 'libpg-query';
import { writtenName } from '../types/pinned-types.js';
import { as, kindOf, stringsOf } from './ast.js';

/** The column name that PostgreSQL gives an expression without AS; null for none ("?column?"). */
export function figureNameOf(node: Node): string | null {
  return figure(node)?.name ?? null;
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
          const select = as(e.subselect, 'SelectStmt');
          if (select?.valuesLists !== undefined) return strong('column1');
          const first = as(select?.targetList?.[0], 'ResTarget');
          const name = first?.name ?? (first?.val === undefined ? null : figureNameOf(first.val));
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
