/**
 * Every error a client can see is a QuoralError: a SQLSTATE, the PostgreSQL fields, and whether a
 * retry can help. Nothing is matched by message text.
 */

/**
 * `none`: the same request fails again. `statement`: the server may run the statement again.
 * `transaction`: the whole transaction may be run again (40001, 40P01).
 * `unknown`: the outcome is not known (40003); only an idempotent request may be repeated.
 */
export type RetryScope = 'none' | 'statement' | 'transaction' | 'unknown';

export interface ErrorFields {
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
  /** 1-based character position in the statement. */
  readonly position?: number | undefined;
  /** 1-based character position in `internalQuery`. */
  readonly internalPosition?: number | undefined;
  readonly internalQuery?: string | undefined;
  readonly where?: string | undefined;
  readonly schema?: string | undefined;
  readonly table?: string | undefined;
  readonly column?: string | undefined;
  readonly dataType?: string | undefined;
  readonly constraint?: string | undefined;
  /** The function of PostgreSQL's that says it, where drivers go by that. */
  readonly routine?: string | undefined;
}

export class QuoralError extends Error {
  override readonly name: string = 'QuoralError';
  readonly sqlstate: string;
  readonly retry: RetryScope;
  readonly fields: ErrorFields;
  readonly severity: 'ERROR' | 'FATAL';

  constructor(
    sqlstate: string,
    message: string,
    options: {
      retry?: RetryScope;
      fields?: ErrorFields;
      severity?: 'ERROR' | 'FATAL';
      cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.sqlstate = sqlstate;
    this.retry = options.retry ?? 'none';
    this.fields = options.fields ?? {};
    this.severity = options.severity ?? 'ERROR';
  }

  /** The SQLSTATE under the name that PostgreSQL's drivers for Node give it. */
  get code(): string {
    return this.sqlstate;
  }
}

/** Shorthand for the common case of an error with PostgreSQL fields. */
export function sqlError(sqlstate: string, message: string, fields?: ErrorFields): QuoralError {
  return new QuoralError(sqlstate, message, fields === undefined ? {} : { fields });
}

/**
 * What the JavaScript engine refuses, as PostgreSQL would say it: a text or a list that is too long, or expressions
 * nested deeper than the stack. null: another error.
 */
export function engineLimit(error: unknown): QuoralError | null {
  if (!(error instanceof RangeError)) return null;
  if (/^Invalid (string|array|typed array|array buffer) length|^Array buffer allocation failed/.test(error.message)) {
    return new QuoralError('54000', 'requested length too large', { cause: error });
  }
  if (error.message.startsWith('Maximum call stack size exceeded')) {
    return new QuoralError('54001', 'stack depth limit exceeded', { cause: error });
  }
  return null;
}
