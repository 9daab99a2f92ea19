/** Histories of transactions: all that the generator writes is SQL, and what a cluster commits is serial. */
import { describe, expect, it } from 'vitest';
import { Histories } from '../../fuzz/histories.js';
import { HISTORY_ROWS, HISTORY_STATE, historySchema, historyStatement } from '../../fuzz/history-statements.js';
import { Random } from '../../fuzz/random.js';
import { initParser, parseSql } from '../../src/sql/parse/parser.js';
import { startCluster } from '../../src/testing/index.js';

describe('histories', () => {
  it('are made of SQL', async () => {
    await initParser();
    const random = new Random(1);
    const statements = random.times(300, 300, () => historyStatement(random));
    for (const text of [...historySchema(random), ...HISTORY_ROWS, ...HISTORY_STATE, ...statements])
      expect(() => parseSql(text), text).not.toThrow();
    expect(new Set(statements).size).toBeGreaterThan(100);
  });

  it('are like a serial order of what committed', async () => {
    const cluster = await startCluster({ nodes: 1 });
    const histories = await Histories.connect(3, [cluster.url()]);
    try {
      for (let i = 0; i < 8; i++) expect(await histories.play()).toBeNull();
      expect(histories.committed).toBeGreaterThan(3);
    } finally {
      await histories.close();
      await cluster.close();
    }
  });
});
