/**
 * Golden scripts: test/scripts/mvcc/*.txt hold commands and what they print. Each block of commands
 * is followed by a line `---` and the output, then an empty line. UPDATE_SCRIPTS=1 rewrites them.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { formatKey } from '../../src/base/key.js';
import type { Engine } from '../../src/storage/engine.js';
import { MemoryEngine } from '../../src/storage/memory-engine.js';
import { decodeVersionKey } from '../../src/storage/mvcc-key.js';
import {
  decodeVersionValue,
  mvccAnyNewer,
  mvccGc,
  mvccGet,
  mvccKeyChanged,
  mvccNewest,
  mvccPut,
  mvccRead,
} from '../../src/storage/mvcc.js';
import { mvccScan } from '../../src/storage/mvcc-scan.js';

const FOLDER = new URL('../scripts/mvcc/', import.meta.url);

/** `\x00` in a script is that byte. */
function unquote(word: string): string {
  return word.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

function shown(value: Buffer | null): string {
  return value === null ? '<deleted>' : JSON.stringify(value.toString('latin1'));
}

class Script {
  readonly #engine: Engine = new MemoryEngine();

  run(line: string): string[] {
    const words = line.split(/\s+/);
    const options = new Map(words.filter((w) => w.includes('=')).map((w) => w.split('=') as [string, string]));
    const args = words.filter((w) => !w.includes('=')).map(unquote);
    const number = (name: string) => (options.has(name) ? Number(options.get(name)) : undefined);
    const [command, a = '', b = '', c = ''] = args;
    const engine = this.#engine;
    switch (command) {
      case 'put':
      case 'delete': {
        const batch = engine.newBatch();
        const value = command === 'put' ? Buffer.from(b, 'latin1') : null;
        mvccPut(batch, a, number('ts')!, value, args.includes('shifted'));
        engine.writeData(batch);
        return [];
      }
      case 'get': {
        const found = mvccGet(engine, a, number('ts')!);
        return [
          found === null
            ? `${formatKey(a)}: none`
            : `${formatKey(a)}: ${shown(found.value)} ts=${found.ts}${found.shifted ? ' shifted' : ''}`,
        ];
      }
      case 'newest': {
        const found = mvccNewest(engine, a);
        return [found === null ? 'none' : `${shown(found.value)} ts=${found.ts}`];
      }
      case 'read': {
        const r = mvccRead(engine, a, number('ts')!, number('limit')!);
        const newer = r.newer === 0 ? '' : ` newer=${r.newer}${r.newerShifted ? ' shifted' : ''}`;
        return [`${r.ts === 0 ? 'none' : `${shown(r.value)} ts=${r.ts}`}${newer}`];
      }
      case 'scan': {
        const maxRows = number('rows');
        const maxBytes = number('bytes');
        const limitTs = number('limit');
        const r = mvccScan(engine, a, b, number('ts')!, {
          reverse: c === 'reverse',
          ...(maxRows === undefined ? {} : { maxRows }),
          ...(maxBytes === undefined ? {} : { maxBytes }),
          ...(limitTs === undefined ? {} : { limitTs }),
        });
        const out = r.keys.map((k, i) => `${formatKey(k)}=${shown(r.values[i]!)} ts=${r.timestamps[i]}`);
        if (out.length === 0) out.push('no rows');
        if (r.resumeKey !== null) out.push(`resume ${formatKey(r.resumeKey)}`);
        if (r.newerTs !== 0) out.push(`newer ${formatKey(r.newerKey)} ts=${r.newerTs}`);
        return out;
      }
      case 'any-newer': {
        const key = mvccAnyNewer(engine, a, b, number('after')!, number('upto')!);
        return [key === null ? 'none' : formatKey(key)];
      }
      case 'changed':
        return [String(mvccKeyChanged(engine, a, number('after')!, number('upto')!))];
      case 'gc': {
        const batch = engine.newBatch();
        const maxRemoved = number('max');
        const r = mvccGc(engine, batch, a, b, number('threshold')!, maxRemoved === undefined ? {} : { maxRemoved });
        engine.writeData(batch);
        return [`removed ${r.removed}${r.resumeKey === null ? '' : `, resume ${formatKey(r.resumeKey)}`}`];
      }
      case 'dump':
        return engine.scan({ family: 'versions', start: '', end: '\xff\xff' }).map((row) => {
          const { key, ts } = decodeVersionKey(row.key);
          const { value, shifted } = decodeVersionValue(row.key, row.value);
          return `${formatKey(key)} @${ts} ${shown(value)}${shifted ? ' shifted' : ''} | ${Buffer.from(row.key, 'latin1').toString('hex')} = ${row.value.toString('hex')}`;
        });
      default:
        throw new Error(`unknown command: ${line}`);
    }
  }
}

describe('mvcc scripts', () => {
  for (const name of readdirSync(FOLDER).sort()) {
    test(name, () => {
      const file = new URL(name, FOLDER);
      const script = new Script();
      const source = readFileSync(file, 'utf8');
      const out: string[] = [];
      for (const block of source.trimEnd().split(/\n\n+/)) {
        const lines = block.split('\n');
        const end = lines.indexOf('---');
        const commands = end < 0 ? lines : lines.slice(0, end);
        const printed = commands.filter((l) => l !== '' && !l.startsWith('#')).flatMap((l) => script.run(l));
        out.push([...commands, '---', ...(printed.length > 0 ? printed : ['ok'])].join('\n'));
      }
      const rendered = out.join('\n\n') + '\n';
      if (process.env['UPDATE_SCRIPTS'] === '1') writeFileSync(file, rendered);
      else expect(rendered).toBe(source);
    });
  }
});
