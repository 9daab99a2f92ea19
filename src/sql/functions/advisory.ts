/** Advisory locks (chapter 9.27.10). Locks named by a bigint and by two integers are different ones. */
import { sqlError } from '../../base/errors.js';
import type { AdvisoryServices, ExecContext } from '../contract.js';
import type { Datum } from '../types/datum.js';
import { fn } from './define.js';

const WAITS = { volatility: 'volatile', mayWait: true } as const;

type Name = Parameters<AdvisoryServices['lock']>[0];

function ofBigint(key: bigint): Name {
  const bits = BigInt.asUintN(64, key);
  return { space: 1, high: Number(bits >> 32n), low: Number(bits & 0xffffffffn) };
}
function ofIntegers(high: number, low: number): Name {
  return { space: 2, high: high >>> 0, low: low >>> 0 };
}

function services(ctx: ExecContext): AdvisoryServices {
  const { advisory } = ctx.services;
  if (advisory === undefined) throw sqlError('0A000', 'advisory locks are not available here');
  return advisory;
}

/** The function under both signatures. */
function define(name: string, result: string, call: (lock: Name, ctx: ExecContext) => Promise<Datum>): void {
  fn(`${name}(int8) ${result}`, (key: bigint, ctx: ExecContext) => call(ofBigint(key), ctx), WAITS);
  fn(
    `${name}(int4, int4) ${result}`,
    (high: number, low: number, ctx: ExecContext) => call(ofIntegers(high, low), ctx),
    WAITS,
  );
}

for (const exclusive of [true, false]) {
  const suffix = exclusive ? '' : '_shared';
  for (const [infix, scope] of [
    ['', 'session'],
    ['_xact', 'transaction'],
  ] as const) {
    define(`pg_advisory${infix}_lock${suffix}`, 'void', async (lock, ctx) => {
      await services(ctx).lock(lock, { exclusive, waits: true }, scope);
      return '';
    });
    define(`pg_try_advisory${infix}_lock${suffix}`, 'bool', (lock, ctx) =>
      services(ctx).lock(lock, { exclusive, waits: false }, scope),
    );
  }
  define(`pg_advisory_unlock${suffix}`, 'bool', (lock, ctx) => services(ctx).unlock(lock, exclusive));
}
fn(
  'pg_advisory_unlock_all() void',
  async (ctx: ExecContext) => {
    await services(ctx).unlockAll();
    return '';
  },
  WAITS,
);
