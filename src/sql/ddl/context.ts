/** What a schema change needs of the session that runs it. */
import type { Logger } from '../../env/env.js';
import type { KvDb, KvTxn } from '../../txn/kv-txn.js';
import type { WaitOptions } from '../catalog/catalog.js';
import type { Sequences } from '../catalog/sequences.js';
import type { TransactionCatalog } from '../catalog/transaction-catalog.js';
import type { ExecContext, MemoryAccount, Planner, PlannerSettings } from '../contract.js';
import type { Notice, ResultSink } from '../session-api.js';

export interface DdlContext {
  readonly session: {
    readonly user: string;
    readonly database: string;
    readonly searchPath: readonly string[];
    /** The statement is alone in an implicit transaction. */
    readonly implicit: boolean;
    readonly inBlock: boolean;
  };
  readonly txn: KvTxn;
  readonly db: KvDb;
  readonly catalog: TransactionCatalog;
  readonly planner: Planner;
  readonly plannerSettings: PlannerSettings;
  readonly sequences: Sequences;
  readonly wait: WaitOptions;
  readonly signal: AbortSignal;
  readonly sink: ResultSink;
  readonly logger: Logger;
  /** Of the whole statement; the session closes it. */
  readonly memory: MemoryAccount;
  execContext(): ExecContext;
  notice(notice: Notice): void;
}

export function notice(ctx: DdlContext, sqlstate: string, message: string): void {
  ctx.notice({ severity: 'NOTICE', sqlstate, message });
}
