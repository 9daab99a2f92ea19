/** What clients are told of where an error comes from. */
import { describe, expect, it } from 'vitest';
import { QuoralError, sqlError } from '../../src/base/errors.js';
import { errorSource } from '../../src/pgwire/error-source.js';
import { errorAt } from '../../src/sql/plan/error-at.js';

function somewhere(): QuoralError {
  return errorAt('42846', 'no cast', 3);
}

describe('an error', () => {
  it('comes from who made it, not from what helped', () => {
    const { file, line, routine } = errorSource(somewhere());
    expect(file).toMatch(/pgwire\/error-source\.test\.ts$/);
    expect(Number(line)).toBeGreaterThan(0);
    expect(routine).toBe('somewhere');
  });

  it('that was made anew comes from where the first one did', () => {
    const first = somewhere();
    const again = new QuoralError('42846', 'no cast', { cause: first });
    expect(errorSource(again)).toEqual(errorSource(first));
  });

  it.each([
    ['23505', {}, '_bt_check_unique'],
    ['23514', {}, 'ExecConstraints'],
    ['23514', { dataType: 'd' }, 'ExecEvalConstraintCheck'],
    ['42883', { hint: 'No operator matches …' }, 'op_error'],
    ['42883', {}, 'ParseFuncOrColumn'],
    ['42P01', { position: 3 }, 'parserOpenTable'],
    ['0A000', { routine: 'RevalidateCachedQuery' }, 'RevalidateCachedQuery'],
    ['23505', { where: 'PL/pgSQL function f() line 3 at RAISE\nSQL statement "x"' }, 'exec_stmt_raise'],
  ])('%s %j has the routine of PostgreSQL: %s', (sqlstate, fields, routine) => {
    expect(errorSource(sqlError(sqlstate, 'm', fields)).routine).toBe(routine);
  });

  it('without a stack has its routine only', () => {
    const error = sqlError('23505', 'm');
    delete error.stack;
    expect(errorSource(error)).toEqual({ routine: '_bt_check_unique' });
  });
});
