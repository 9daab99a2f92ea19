/**
 * Hand-made histories in short. Operations: `x+1` appends 1 to x, `x=[1 2]` reads the list x; `x:=1`
 * writes the register x, `x?1` and `x?-` read it. Times are milliseconds.
 */
import type {
  History,
  HistoryTransaction,
  IsolationLevel,
  MicroOp,
  Outcome,
} from '../../../src/testing/judges/history.js';

export interface Extra {
  readonly level?: IsolationLevel;
  readonly outcome?: Outcome;
  readonly process?: number;
  readonly node?: string;
  readonly stale?: boolean;
  readonly error?: string;
}

export type Line = readonly [from: number, to: number, ops: string, extra?: Extra];

export function history(level: IsolationLevel, ...lines: readonly Line[]): History {
  const transactions = lines.map(([from, to, ops, extra], id): HistoryTransaction => ({
    id,
    process: id,
    level,
    outcome: 'done',
    invokedAt: from * 1000,
    completedAt: to * 1000,
    ops: ops.split(', ').map(operation),
    ...extra,
  }));
  return { transactions };
}

function operation(text: string): MicroOp {
  const match = /^(\w)(\+|=|:=|\?)(.*)$/.exec(text);
  if (match === null) throw new Error(`not an operation: ${text}`);
  const [, key, f, rest] = match as unknown as [string, string, string, string];
  switch (f) {
    case '+':
      return { f: 'append', key, value: Number(rest) };
    case ':=':
      return { f: 'write', key, value: Number(rest) };
    case '?':
      return { f: 'read', key, value: rest === '-' ? null : Number(rest) };
    default: {
      const values = rest.slice(1, -1).split(' ').filter(Boolean).map(Number);
      return { f: 'read-list', key, values };
    }
  }
}
