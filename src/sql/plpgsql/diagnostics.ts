/** GET DIAGNOSTICS: what each of its items gives. */
import type { QuoralError } from '../../base/errors.js';
import { OID } from '../types/oids.js';
import type { Typed } from './frame.js';
import type { SqlHost } from './host.js';

export interface DiagnosticFacts {
  readonly rowCount: number;
  /** Where the statement stands. */
  readonly context: string;
}

/** What runs inside of what, the innermost first. */
export function shownContexts({ contexts }: Pick<SqlHost, 'contexts'>): string {
  return contexts
    .map((line) => line())
    .reverse()
    .join('\n');
}

/** `error`: the one that is being handled. */
export function diagnostic(item: string, error: QuoralError | undefined, facts: DiagnosticFacts): Typed {
  const text = (value: string | undefined): Typed => ({ value: value ?? '', oid: OID.text });
  switch (item) {
    case 'row_count':
      return { value: BigInt(facts.rowCount), oid: OID.int8 };
    case 'pg_context':
      return text(facts.context);
    case 'returned_sqlstate':
      return text(error?.sqlstate);
    case 'message_text':
      return text(error?.message);
    case 'pg_exception_detail':
      return text(error?.fields.detail);
    case 'pg_exception_hint':
      return text(error?.fields.hint);
    case 'pg_exception_context':
      return text(error?.fields.where);
    case 'column_name':
      return text(error?.fields.column);
    case 'constraint_name':
      return text(error?.fields.constraint);
    case 'pg_datatype_name':
      return text(error?.fields.dataType);
    case 'table_name':
      return text(error?.fields.table);
    default:
      return text(error?.fields.schema);
  }
}
