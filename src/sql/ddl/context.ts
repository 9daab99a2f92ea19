/** What a schema change needs of the session that runs it. */
import { QuoralError, sqlError } from '../../base/errors.js';
import type { Logger } from '../../env/env.js';
import type { KvDb, KvTxn } from '../../txn/kv-txn.js';
import type { WaitOptions } from '../catalog/catalog.js';
import type { Sequences } from '../catalog/sequences.js';
import type { Rights } from '../catalog/rights.js';
import type { SessionTemporaries } from '../catalog/temporary.js';
import type { TemporaryInPath } from '../catalog/temporary-names.js';
import type { TransactionCatalog } from '../catalog/transaction-catalog.js';
import type { CompiledStatement, ExecContext, MemoryAccount, Planner, PlannerSettings } from '../contract.js';
import type { Profile } from '../exec/profile.js';
import type { TypeScope } from '../plan/coerce.js';
import type { Notice, ResultSink } from '../session-api.js';
import type { Loose } from './tree.js';

export interface DdlContext {
  readonly session: {
    readonly user: string;
    /** As who the statement runs, and as who the client came. */
    readonly userId: number;
    readonly sessionUserId: number;
    readonly database: string;
    readonly searchPath: readonly string[];
    readonly temporary: TemporaryInPath;
    /** The statement is alone in an implicit transaction. */
    readonly implicit: boolean;
    readonly inBlock: boolean;
    /** The value of a setting; null if there is none of that name. */
    setting(name: string): string | null;
    /** The setting check_function_bodies. */
    readonly checkBodies: boolean;
    /** @throws QuoralError 42704, 22023, 42501 for a setting that the user could not set */
    checkSetting(name: string, value: string): void;
    /** As it is written by itself: TimeZone. */
    settingName(name: string): string;
  };
  /** What the user may do, as of the statement's beginning. */
  readonly rights: Rights;
  /** Of another role. */
  rightsOf(role: number): Promise<Rights>;
  /** @throws QuoralError 42501 unless the user may run the query */
  checkAccess(compiled: CompiledStatement): Promise<void>;
  /** Runs something with the rights of the role. */
  asRole<T>(role: number, run: (ctx: DdlContext) => Promise<T>): Promise<T>;
  readonly txn: KvTxn;
  readonly db: KvDb;
  readonly catalog: TransactionCatalog;
  readonly temporaries: SessionTemporaries;
  readonly planner: Planner;
  readonly plannerSettings: PlannerSettings;
  /** The types that the statement names. */
  readonly types: TypeScope;
  readonly sequences: Sequences;
  readonly wait: WaitOptions;
  readonly signal: AbortSignal;
  readonly sink: ResultSink;
  readonly logger: Logger;
  /** Of the whole statement; the session closes it. */
  readonly memory: MemoryAccount;
  /** What CASCADE has dropped besides, as it is told at the end: 'view v', 'constraint c on table t'. */
  readonly cascades: string[];
  /** Of the parameters that a query in the statement may have. */
  readonly parameterOids: readonly number[];
  execContext(): ExecContext;
  /** The plan that an EXECUTE runs, and the context with its arguments. */
  executed(execute: Loose): Promise<{ readonly compiled: CompiledStatement; execContext(): ExecContext }>;
  /** From now on names of the catalog's objects are found without waiting. */
  knowNames(): Promise<void>;
  notice(notice: Notice): void;
  /** Of EXPLAIN ANALYZE: who watches the operators, and the plans whose rows a new table takes. */
  readonly watch?: { readonly profile: Profile; readonly plans: CompiledStatement[] };
  /** The statement alters this type, and its typed tables with it. */
  readonly ofType?: number;
  /** Errors in expressions have no place in the statement. */
  readonly unplaced?: boolean;
}

/**
 * What one DROP names, each in turn. What goes with them, or is in the way, is told together, that of the last first.
 * @throws QuoralError 2BP01, after all have been tried
 */
export async function dropEach<T>(
  ctx: DdlContext,
  items: readonly T[],
  drop: (item: T) => Promise<void>,
): Promise<void> {
  if (items.length === 1) return drop(items[0]!);
  const cascades: string[][] = [];
  let inTheWay: QuoralError | null = null;
  const details: string[][] = [];
  // What depends on several is told of the first.
  const told = new Set<string>();
  for (const item of items) {
    const from = ctx.cascades.length;
    try {
      await drop(item);
    } catch (error) {
      if (!isInTheWay(error)) throw error;
      inTheWay ??= error;
      const lines = (error.fields.detail ?? '')
        .split('\n')
        .map((line) => [line, line.split(' depends on ')[0]!] as const);
      details.unshift(lines.filter(([, what]) => !told.has(what)).map(([line]) => line));
      for (const [, what] of lines) told.add(what);
    }
    cascades.unshift(ctx.cascades.splice(from));
  }
  ctx.cascades.push(...cascades.flat());
  if (inTheWay === null) return;
  throw sqlError('2BP01', 'cannot drop desired object(s) because other objects depend on them', {
    ...inTheWay.fields,
    detail: details.flat().join('\n'),
  });
}

function isInTheWay(error: unknown): error is QuoralError {
  const isDependence = error instanceof QuoralError && error.sqlstate === '2BP01';
  return isDependence && error.message.endsWith(' because other objects depend on it');
}

/** One notice for all that CASCADE has dropped. */
export function tellCascades(ctx: DdlContext): void {
  const { cascades } = ctx;
  if (cascades.length === 0) return;
  const lines = cascades.map((what) => `drop cascades to ${what}`);
  if (lines.length === 1) notice(ctx, '00000', lines[0]!);
  else {
    const message = `drop cascades to ${lines.length} other objects`;
    ctx.notice({ severity: 'NOTICE', sqlstate: '00000', message, detail: lines.join('\n') });
  }
}

export function notice(ctx: DdlContext, sqlstate: string, message: string): void {
  ctx.notice({ severity: 'NOTICE', sqlstate, message });
}
