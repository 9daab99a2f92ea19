/** CURRENT_DATE, CURRENT_USER and their like: values that have a keyword of their own. */
import { sqlError } from '../../base/errors.js';
import { OID } from '../types/oids.js';
import type { Expr, SqlValueName } from './expr.js';

const SQL_VALUES: Readonly<Record<string, readonly [SqlValueName, number]>> = {
  SVFOP_CURRENT_DATE: ['current_date', OID.date],
  SVFOP_CURRENT_TIME: ['current_time', OID.timetz],
  SVFOP_CURRENT_TIME_N: ['current_time', OID.timetz],
  SVFOP_CURRENT_TIMESTAMP: ['current_timestamp', OID.timestamptz],
  SVFOP_CURRENT_TIMESTAMP_N: ['current_timestamp', OID.timestamptz],
  SVFOP_LOCALTIME: ['localtime', OID.time],
  SVFOP_LOCALTIME_N: ['localtime', OID.time],
  SVFOP_LOCALTIMESTAMP: ['localtimestamp', OID.timestamp],
  SVFOP_LOCALTIMESTAMP_N: ['localtimestamp', OID.timestamp],
  SVFOP_CURRENT_ROLE: ['current_user', OID.name],
  SVFOP_CURRENT_USER: ['current_user', OID.name],
  SVFOP_USER: ['current_user', OID.name],
  SVFOP_SESSION_USER: ['session_user', OID.name],
  SVFOP_CURRENT_CATALOG: ['current_catalog', OID.name],
  SVFOP_CURRENT_SCHEMA: ['current_schema', OID.name],
};

export function bindSqlValue(e: { op?: string; typmod?: number }): Expr {
  const found = SQL_VALUES[e.op ?? 'SVFOP_CURRENT_DATE'];
  if (found === undefined) throw sqlError('0A000', `unsupported value function ${e.op ?? ''}`);
  return {
    kind: 'sqlvalue',
    name: found[0],
    oid: found[1],
    // The parser leaves a zero out.
    typmod: e.op?.endsWith('_N') === true ? (e.typmod ?? 0) : -1,
  };
}
