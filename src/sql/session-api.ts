/**
 * The SQL session as the wire protocol (and any in-process client) sees it. One session per
 * connection. Calls are made one after the other: the caller awaits each before the next, except
 * `cancel` and `terminate`, which may come at any time.
 *
 * Errors: a method rejects with a QuoralError; the caller reports it and, in the extended protocol,
 * skips to Sync. The session has by then done what PostgreSQL does (failed transaction, or the
 * implicit transaction rolled back, every lock released).
 */
import type { Datum } from './types/datum.js';
import type { TextEncoding } from './types/encodings.js';
import type { FormatContext } from './types/type-info.js';

export interface ResultColumn {
  readonly name: string;
  readonly tableOid: number;
  readonly columnNumber: number;
  readonly typeOid: number;
  readonly typeLength: number;
  readonly typmod: number;
  /** The domain of the column; `typeOid` is what that is over, which is what clients are told. */
  readonly domain?: number;
  /** For a table that is made of the query: the key of a collation that is not its type's; null: none could be derived. */
  readonly collation?: string | null;
}

/** Rows go out through this; implemented by pgwire and by the embedded client. */
export interface ResultSink {
  /** Before the first row of a statement with a result set (simple protocol only). */
  columns(columns: readonly ResultColumn[], binary?: boolean): void;
  /** One row; `values` may be reused by the caller after the call. */
  row(values: readonly Datum[]): void;
  /** When not null the reader is slow: the executor awaits it before it sends more. */
  slow(): Promise<void> | null;
  /** 'SELECT 3', 'INSERT 0 1', … */
  complete(tag: string): void;
  /** Execute stopped at its row limit; more rows are in the portal. */
  suspended(): void;
  empty(): void;
  notice(notice: Notice): void;
  parameterStatus(name: string, value: string): void;
  /** COPY … FROM STDIN: announces it and gives what the client sends until CopyDone. */
  copyIn(format: 'text' | 'csv' | 'binary', columnCount: number): AsyncIterable<Buffer>;
  copyOut(format: 'text' | 'csv' | 'binary', columnCount: number): void;
  copyData(chunk: Uint8Array): void;
  copyDone(): void;
}

export interface Notice {
  readonly severity: 'NOTICE' | 'WARNING' | 'INFO' | 'DEBUG' | 'LOG';
  readonly sqlstate: string;
  readonly message: string;
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
  readonly position?: number | undefined;
  /** What it was said in, the innermost first, a line each. */
  readonly where?: string | undefined;
}

export type TransactionStatus = 'I' | 'T' | 'E';

/** What NOTIFY said, on its way to a client that listens. */
export interface Notification {
  /** Of the session that said it. */
  readonly processId: number;
  readonly channel: string;
  readonly payload: string;
}

export interface PreparedInfo {
  readonly parameterOids: readonly number[];
  /** null for statements that return no rows. */
  readonly columns: readonly ResultColumn[] | null;
}

/** A parameter in text (UTF-8) or binary form (in which texts are in the client's encoding), or NULL. */
export interface ParameterValue {
  readonly format: 0 | 1;
  readonly bytes: Buffer | null;
}

export interface SqlSession {
  readonly processId: number;
  readonly secretKey: number;
  readonly transactionStatus: TransactionStatus;
  readonly format: FormatContext;
  /** Of the client's texts; null: UTF-8. */
  readonly clientEncoding: TextEncoding | null;
  /** For ParameterStatus at start-up: server_version, client_encoding, TimeZone, … */
  startupParameters(): readonly (readonly [string, string])[];

  /** The simple protocol: one or several statements, in one implicit transaction (as PostgreSQL). */
  simpleQuery(text: string, sink: ResultSink): Promise<void>;

  parse(name: string, text: string, parameterOids: readonly number[]): Promise<void>;
  describeStatement(name: string): PreparedInfo;
  bind(portal: string, statement: string, parameters: readonly ParameterValue[]): void | Promise<void>;
  describePortal(portal: string): readonly ResultColumn[] | null;
  /**
   * `maxRows` 0 = all. `syncFollows`: the client's next message is known to be Sync (true) or something
   * else (false). An implicit transaction commits within `execute`, before the command's completion
   * goes out, unless this is false: then it lasts until `sync`, so that a pipeline is one transaction.
   */
  execute(portal: string, maxRows: number, sink: ResultSink, syncFollows?: boolean): Promise<void>;
  closeStatement(name: string): void;
  closePortal(name: string): void | Promise<void>;
  /** End of an extended-protocol sequence: commits the implicit transaction. */
  sync(): Promise<void>;
  /** An extended-protocol message failed before reaching the session (codec error). */
  fail(): Promise<void>;

  /**
   * `fn` is called, at any time, when `takeNotifications` may have something or the session has ended by
   * itself (a time-out). The caller looks then if the client is idle, and before every ReadyForQuery.
   */
  onPush(fn: () => void): void;
  /** Notifications for the client, each once; none within a transaction. @throws QuoralError why the session has ended */
  takeNotifications(): readonly Notification[];

  /** Cancels what runs now (57014); harmless when idle. */
  cancel(): void;
  /** Client is gone or server drains: rolls back, releases everything. */
  close(): Promise<void>;
}

export interface SessionOptions {
  readonly user: string;
  readonly database: string;
  /** Start-up parameters such as application_name, options, client_encoding. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly remote: string;
}

/** Makes sessions; implemented by the SQL layer, used by pgwire and testing. */
export interface SqlServer {
  /** @throws QuoralError 3D000 unknown database, 28000 unknown role, 57P01 draining, 53300 too many. */
  openSession(options: SessionOptions): Promise<SqlSession>;
  /** A cancel request: finds the session on this node, or forwards it to the node that owns the id. */
  cancel(processId: number, secretKey: number): void;
}
