/** Constants as they are written in a statement. */
import type { Node } from 'libpg-query';
import { parseBits } from '../types/bit-string.js';
import { parseNumeric } from '../types/numeric.js';
import { OID } from '../types/oids.js';
import { as } from './ast.js';
import { addPosition, errorAt } from './binder.js';
import { constant } from './expr.js';
import type { Expr } from './expr.js';

const INT4_MAX = 2147483647;
const INT8_MAX = 9223372036854775807n;

/** The grammar gives B'101' as b101 and X'1F' as x1F. */
function bitConstant(written: string, location: number): Expr {
  try {
    return constant(parseBits(written), OID.bit);
  } catch (error) {
    throw addPosition(error, location);
  }
}

function numberConstant(written: string, location: number): Expr {
  const text = written.replaceAll('_', '');
  // Of a longer one in digits parseNumeric says whether it is too long, before it is computed.
  if (/^-?(\d{1,200000}|0[xXoObB][0-9a-fA-F]{1,200000})$/.test(text)) {
    const value = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
    if (value >= -INT4_MAX - 1 && value <= INT4_MAX) return constant(Number(value), OID.int4);
    if (value >= -INT8_MAX - 1n && value <= INT8_MAX) return constant(value, OID.int8);
    const big = parseNumeric(value.toString());
    if (big !== null) return constant(big, OID.numeric);
  }
  const numeric = parseNumeric(text);
  if (numeric === null) throw errorAt('22P02', `invalid input syntax for type numeric: "${written}"`, location);
  return constant(numeric, OID.numeric);
}

/** A constant as the grammar gives it. */
export function bindConstant(node: Node): Expr {
  const c = as(node, 'A_Const')!;
  if (c.isnull === true) return constant(null, OID.unknown);
  if (c.ival !== undefined) return constant(c.ival.ival ?? 0, OID.int4);
  if (c.boolval !== undefined) return constant(c.boolval.boolval ?? false, OID.bool);
  if (c.sval !== undefined) return { ...constant(c.sval.sval ?? '', OID.unknown), location: c.location ?? 0 };
  if (c.fval !== undefined) return numberConstant(c.fval.fval ?? '0', c.location ?? 0);
  return bitConstant(c.bsval?.bsval ?? '', c.location ?? 0);
}
