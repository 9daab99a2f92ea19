/**
 * Records what clients saw, in the form that the judges read. It needs nothing of the database: call
 * it beside the driver's calls in any test, against any database that speaks PostgreSQL's protocol.
 *
 *   const t = recorder.begin({ process: 1, level: 'serializable' });
 *   let sent: Sent = 'statement';
 *   try {
 *     await client.query('BEGIN ISOLATION LEVEL SERIALIZABLE');
 *     const { rows } = await client.query('SELECT v FROM registers WHERE k = $1', ['x']);
 *     t.read('x', rows[0]?.v ?? null);
 *     t.write('x', 7);                      // before the call: the write may arrive though the answer does not
 *     await client.query('UPDATE registers SET v = 7 WHERE k = $1', ['x']);
 *     sent = 'commit';
 *     await client.query('COMMIT');
 *     t.done();
 *   } catch (error) {
 *     t.settle(error, sent);
 *   }
 *
 * Invariants
 * - Events are stamped in the order in which they were recorded: where the clock stands still the stamp
 *   moves on by the smallest step, so `completedAt < invokedAt` means that the answer was really seen first.
 * - A process has one transaction at a time; every value is written to one key once, attempts that failed
 *   included (take a new value for a retry). Both are checked and throw: they are mistakes of the test.
 *
 * Limits: a COMMIT that answers with the tag ROLLBACK (the transaction had failed before) is no error to
 * drivers; the caller must look at the tag and call `failed`.
 */
import type {
  History,
  HistoryKey,
  HistoryTransaction,
  HistoryValue,
  IsolationLevel,
  MicroOp,
  Outcome,
} from './history.js';

/** What had been sent when the error came: only after a commit can the outcome be unknown. */
export type Sent = 'statement' | 'commit' | 'autocommit';

export interface BeginOptions {
  readonly process: number;
  readonly level: IsolationLevel;
  readonly readOnly?: boolean;
  readonly stale?: boolean;
  readonly node?: string;
}

/** Half the resolution of a double at today's microseconds since 1970 would be lost; this is representable. */
const TICK_US = 0.25;

export class HistoryRecorder {
  readonly #nowUs: () => number;
  readonly #transactions: RecordedTransaction[] = [];
  readonly #open = new Set<number>();
  readonly #written = new Map<string, Map<HistoryKey, Set<HistoryValue>>>([
    ['append', new Map()],
    ['write', new Map()],
  ]);
  #lastStamp = -Infinity;

  constructor(options: { readonly nowUs: () => number }) {
    this.#nowUs = options.nowUs;
  }

  /** Call it right before the first statement is sent. */
  begin(options: BeginOptions): RecordedTransaction {
    if (this.#open.has(options.process)) {
      throw new Error(`process ${options.process} has a transaction under way: finish it before the next begins`);
    }
    this.#open.add(options.process);
    const transaction = new RecordedTransaction(this.#transactions.length, options, this.#stamp(), {
      written: (f, key, value) => this.#noteWritten(f, key, value),
      finished: () => {
        this.#open.delete(options.process);
        return this.#stamp();
      },
    });
    this.#transactions.push(transaction);
    return transaction;
  }

  /** A copy of what was recorded so far; transactions under way come out as unknown. */
  history(): History {
    return { transactions: this.#transactions.map((transaction) => transaction.entry()) };
  }

  #stamp(): number {
    this.#lastStamp = Math.max(this.#nowUs(), this.#lastStamp + TICK_US);
    return this.#lastStamp;
  }

  #noteWritten(f: 'append' | 'write', key: HistoryKey, value: HistoryValue): void {
    const keys = this.#written.get(f) as Map<HistoryKey, Set<HistoryValue>>;
    let values = keys.get(key);
    if (values === undefined) keys.set(key, (values = new Set()));
    if (values.has(value)) {
      throw new Error(`value ${String(value)} was written to key ${String(key)} before: take a new one for each write`);
    }
    values.add(value);
  }
}

interface RecorderHooks {
  readonly written: (f: 'append' | 'write', key: HistoryKey, value: HistoryValue) => void;
  readonly finished: () => number;
}

/** One transaction under way. Record a write before it is sent and a read when its answer is there. */
export class RecordedTransaction {
  readonly id: number;
  readonly #options: BeginOptions;
  readonly #invokedAt: number;
  readonly #hooks: RecorderHooks;
  readonly #ops: MicroOp[] = [];
  #completedAt = Infinity;
  #outcome: Outcome | undefined;
  #error: string | undefined;

  constructor(id: number, options: BeginOptions, invokedAt: number, hooks: RecorderHooks) {
    this.id = id;
    this.#options = options;
    this.#invokedAt = invokedAt;
    this.#hooks = hooks;
  }

  append(key: HistoryKey, value: HistoryValue): void {
    this.#checkOpen();
    this.#hooks.written('append', key, value);
    this.#ops.push({ f: 'append', key, value });
  }

  readList(key: HistoryKey, values: readonly HistoryValue[] | undefined): void {
    this.#checkOpen();
    this.#ops.push({ f: 'read-list', key, values: values === undefined ? undefined : [...values] });
  }

  write(key: HistoryKey, value: HistoryValue): void {
    this.#checkOpen();
    this.#hooks.written('write', key, value);
    this.#ops.push({ f: 'write', key, value });
  }

  read(key: HistoryKey, value: HistoryValue | null | undefined): void {
    this.#checkOpen();
    this.#ops.push({ f: 'read', key, value });
  }

  /** The commit was acknowledged. */
  done(): void {
    this.#finish('done', undefined);
  }

  /** It certainly has no effect. */
  failed(error?: unknown): void {
    this.#finish('failed', error);
  }

  /** It may have taken effect, or may yet. */
  unknown(error?: unknown): void {
    this.#finish('unknown', error);
  }

  /** Ends it as the error says (`outcomeOf`). */
  settle(error: unknown, sent: Sent): Outcome {
    const outcome = outcomeOf(error, sent);
    this.#finish(outcome, error);
    return outcome;
  }

  /** The entry of the history as it stands now. */
  entry(): HistoryTransaction {
    const { process, level, readOnly, stale, node } = this.#options;
    return {
      id: this.id,
      process,
      level,
      invokedAt: this.#invokedAt,
      completedAt: this.#completedAt,
      outcome: this.#outcome ?? 'unknown',
      ops: [...this.#ops],
      ...(readOnly === undefined ? {} : { readOnly }),
      ...(stale === undefined ? {} : { stale }),
      ...(node === undefined ? {} : { node }),
      ...(this.#error === undefined ? {} : { error: this.#error }),
    };
  }

  #finish(outcome: Outcome, error: unknown): void {
    this.#checkOpen();
    this.#outcome = outcome;
    this.#completedAt = this.#hooks.finished();
    if (error !== undefined) this.#error = describeError(error);
  }

  #checkOpen(): void {
    if (this.#outcome !== undefined) throw new Error(`T${this.id} has ended (${this.#outcome}): nothing can be added`);
  }
}

function describeError(error: unknown): string {
  const code = sqlStateOf(error);
  const message = error instanceof Error ? error.message : String(error);
  return code === undefined ? message : `${code} ${message}`;
}

/**
 * `failed` when the error proves that the transaction has no effect, else `unknown`. Before the commit
 * was sent every error proves it: nobody else can commit the transaction. After it, a server's error
 * proves it unless its SQLSTATE says otherwise: 40003 (statement completion unknown), class 08
 * (connection), 57P01 to 57P05 (the server is going away), classes 58 and XX (an I/O or internal error
 * in the middle of the commit). No SQLSTATE at all means that the connection or the driver gave up.
 */
export function outcomeOf(error: unknown, sent: Sent): 'failed' | 'unknown' {
  if (sent === 'statement') return 'failed';
  const code = sqlStateOf(error);
  if (code === undefined || code === '40003') return 'unknown';
  return /^(?:08|57P0|58|XX)/.test(code) ? 'unknown' : 'failed';
}

/** The SQLSTATE of an error of `pg`, `postgres`, or of a library that wraps theirs as its cause. */
export function sqlStateOf(error: unknown): string | undefined {
  let current: unknown = error;
  for (let depth = 0; depth < 8 && typeof current === 'object' && current !== null; depth++) {
    const fields = current as { code?: unknown; sqlState?: unknown; sqlstate?: unknown; cause?: unknown };
    for (const code of [fields.code, fields.sqlstate, fields.sqlState]) {
      // Five letters that begin with E are the system's (EPIPE), not PostgreSQL's.
      if (typeof code === 'string' && /^(?!E)[0-9A-Z]{5}$/.test(code)) return code;
    }
    current = fields.cause;
  }
  return undefined;
}
