/**
 * Golden scripts, one per anomaly (test/scripts/txn): the same interleaving of transactions at each isolation
 * level. Keys up to m and from n on lie in two ranges. UPDATE_SCRIPTS=1 writes the answers anew.
 *
 *   set KEY VALUE            commits a value beforehand
 *   NAME begin               the transaction's node is 1 for a, 2 for b, 3 for c
 *   NAME get|lock|put|insert|delete KEY [VALUE], NAME scan, NAME savepoint, NAME back, NAME commit|rollback
 *   lose KEY                 the lease of the key's range moves: locks that are not intents are lost
 *   show                     everything committed
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { QuoralError } from '../../src/base/errors.js';
import type { Isolation, KvTxn, Savepoint } from '../../src/txn/kv-txn.js';
import { ModelCluster } from './support/model-cluster.js';

const FOLDER = new URL('../scripts/txn/', import.meta.url);
const LEVELS: readonly Isolation[] = ['serializable', 'repeatable read', 'read committed'];
const T = '\x04';
/** Long enough for every message, too short for a deadlock's or a push's end. */
const PATIENCE_MS = 8;

class Script {
  readonly c = new ModelCluster({ nodes: 3, seed: 1, boundaries: [`${T}n`] });
  readonly lines: string[] = [];
  readonly #level: Isolation;
  readonly #txns = new Map<string, KvTxn>();
  readonly #savepoints = new Map<string, Savepoint>();
  readonly #waiting = new Map<string, Promise<string>>();
  constructor(level: Isolation) {
    this.#level = level;
  }

  async run(command: string): Promise<void> {
    const words = command.split(/\s+/);
    const name = words[0]!;
    const work =
      name === 'set'
        ? this.#set(words[1]!, words[2]!)
        : name === 'show'
          ? this.#show()
          : name === 'lose'
            ? this.#lose(words[1]!)
            : this.#step(name, words[1]!, words[2] ?? '', words[3] ?? '');
    const outcome = work.catch((error: unknown) => {
      if (!(error instanceof QuoralError)) throw error;
      return `error ${error.sqlstate}`;
    });
    await this.#note(name, command, outcome, true);
    for (const [other, pending] of [...this.#waiting]) {
      if (other !== name || pending !== outcome) await this.#note(other, `    ${other} went on`, pending, false);
    }
  }

  async #note(name: string, label: string, outcome: Promise<string>, first: boolean): Promise<void> {
    const result = await this.c.run(
      Promise.race([
        outcome,
        this.c.sim.sleep(name === 'set' || name === 'show' ? 10_000 : PATIENCE_MS).then(() => null),
      ]),
    );
    if (result === null) {
      this.#waiting.set(name, outcome);
      if (first) this.lines.push(`${label} -> waits`);
    } else {
      this.#waiting.delete(name);
      this.lines.push(`${label} -> ${result}`);
    }
  }

  async #set(key: string, value: string): Promise<string> {
    await this.c.db(1).run({ isolation: 'serializable' }, async (txn) => txn.put(T + key, Buffer.from(value)));
    await this.c.db(1).settled();
    return 'ok';
  }

  async #lose(key: string): Promise<string> {
    const range = this.c.rangeOf(T + key);
    this.c.moveLease(range, (range.leaseholder % 3) + 1);
    return 'ok';
  }

  async #show(): Promise<string> {
    return rows(await this.c.db(3).run({ isolation: 'serializable' }, (txn) => txn.scan({ start: T, end: '\x05' })));
  }

  async #step(name: string, verb: string, key: string, value: string): Promise<string> {
    if (verb === 'begin') {
      this.#txns.set(name, this.c.db('abc'.indexOf(name[0]!) + 1).begin({ isolation: this.#level }));
      return 'ok';
    }
    const txn = this.#txns.get(name)!;
    if (verb !== 'commit' && verb !== 'rollback' && verb !== 'back') txn.beginStatement();
    switch (verb) {
      case 'get':
        return String((await txn.get(T + key)) ?? 'nothing');
      case 'lock':
        return String((await txn.get(T + key, { lock: 'exclusive' })) ?? 'nothing');
      case 'share':
        return String((await txn.get(T + key, { lock: 'share' })) ?? 'nothing');
      case 'scan':
        return rows(await txn.scan({ start: T, end: '\x05' }));
      case 'put':
        txn.put(T + key, Buffer.from(value));
        return 'ok';
      case 'insert':
        txn.insertDeferred(T + key, Buffer.from(value));
        return 'ok';
      case 'delete':
        txn.delete(T + key);
        return 'ok';
      case 'savepoint':
        this.#savepoints.set(name, txn.savepoint());
        return 'ok';
      case 'back':
        txn.rollbackTo(this.#savepoints.get(name)!);
        return 'ok';
      case 'commit':
        await txn.commit();
        return 'committed';
      case 'rollback':
        await txn.rollback();
        return 'ok';
      default:
        throw new Error(`unknown command ${verb}`);
    }
  }
}

function rows(page: { readonly keys: readonly string[]; readonly values: readonly Buffer[] }): string {
  return page.keys.map((k, i) => `${k.slice(1)}=${page.values[i]!.toString()}`).join(' ') || 'nothing';
}

describe('anomalies', () => {
  const names = existsSync(FOLDER)
    ? readdirSync(FOLDER)
        .filter((n) => n.endsWith('.txt'))
        .sort()
    : [];
  expect(names.length).toBeGreaterThan(0);
  it.each(names)('%s', async (name) => {
    const file = new URL(name, FOLDER);
    const text = readFileSync(file, 'utf8');
    const head = text.split('\n== ')[0]!.trimEnd();
    const commands = head.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    let answer = `${head}\n`;
    for (const level of LEVELS) {
      const script = new Script(level);
      for (const command of commands) await script.run(command);
      answer += `\n== ${level}\n${script.lines.join('\n')}\n`;
    }
    if (process.env['UPDATE_SCRIPTS'] === '1') writeFileSync(file, answer);
    else expect(text).toBe(answer);
  });
});
