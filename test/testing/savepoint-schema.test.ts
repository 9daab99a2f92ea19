/** A schema change after a savepoint: its locks must not begin the transaction anew, or the savepoint could undo nothing. */
import { expect, it } from 'vitest';
import { startCluster } from '../../src/testing/index.js';

it('ROLLBACK TO undoes a DROP TABLE that was the first thing after the savepoint', async () => {
  const cluster = await startCluster({ nodes: 1 });
  const client = cluster.client();
  try {
    await client.connect();
    await client.query('create table t(a int)');
    await client.query('insert into t values (1)');
    for (const block of [
      ['begin', 'savepoint s', 'drop table t', 'rollback to s', 'commit'],
      ["do $$ begin begin drop table t; raise 'x'; exception when raise_exception then null; end; end $$"],
    ]) {
      for (const statement of block) await client.query(statement);
      expect((await client.query('select a from t')).rows).toEqual([{ a: 1 }]);
    }
  } finally {
    await client.end();
    await cluster.close();
  }
});
