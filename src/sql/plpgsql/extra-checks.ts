/**
 * What PL/pgSQL checks for those who ask for it (plpgsql.extra_warnings, plpgsql.extra_errors), and what INTO says of rows that
 * are too many or too few, with the parameters of the query where plpgsql.print_strict_params wants them.
 */
import { sqlError } from '../../base/errors.js';
import type { Notice } from '../session-api.js';
import type { SqlHost } from './host.js';
import type { NameConflict, ParsedBody } from './parse-body.js';
import type { Into } from './tree.js';

export type ExtraCheck = 'shadowed_variables' | 'strict_multi_assignment' | 'too_many_rows';

/** By the settings' values; null: nobody wants the check. Errors go before warnings. */
export function extraLevel(check: ExtraCheck, setting: (name: string) => string): 'ERROR' | 'WARNING' | null {
  const has = (name: string): boolean =>
    setting(name)
      .split(',')
      .some((word) => ['all', check].includes(word.trim().toLowerCase()));
  return has('plpgsql.extra_errors') ? 'ERROR' : has('plpgsql.extra_warnings') ? 'WARNING' : null;
}

/** How a body is run, where it does not say so itself. */
export interface BodyRules {
  readonly conflict: NameConflict;
  readonly printStrict: boolean;
}
export function bodyRules(body: Pick<ParsedBody, 'conflict' | 'printStrict'>, setting: SqlHost['setting']): BodyRules {
  return {
    conflict: body.conflict ?? (setting('plpgsql.variable_conflict').replace('use_', '') as NameConflict),
    printStrict: body.printStrict ?? setting('plpgsql.print_strict_params') === 'on',
  };
}

/** Names and values, as the detail of an error has them. */
export type ShownParameters = readonly (readonly [name: string, value: string | null])[];

function parametersLine(params: ShownParameters): string | null {
  if (params.length === 0) return null;
  const quoted = (value: string | null): string => (value === null ? 'NULL' : `'${value.replaceAll("'", "''")}'`);
  return `parameters: ${params.map(([name, value]) => `${name} = ${quoted(value)}`).join(', ')}`;
}

export class ExtraChecks {
  readonly #host: SqlHost;
  readonly #printStrict: boolean;

  constructor(host: SqlHost, printStrict: boolean) {
    this.#host = host;
    this.#printStrict = printStrict;
  }

  #level(check: ExtraCheck): 'ERROR' | 'WARNING' | null {
    return extraLevel(check, (name) => this.#host.setting(name));
  }

  async #tell(level: 'ERROR' | 'WARNING', sqlstate: string, message: string, more: Partial<Notice>): Promise<void> {
    if (level === 'ERROR') throw sqlError(sqlstate, message, more);
    await this.#host.notice({ severity: 'WARNING', sqlstate, message, ...more });
  }

  /** How many rows of a query it takes to tell. */
  rowsNeeded({ strict }: Into): number {
    return strict || this.#level('too_many_rows') !== null ? 2 : 1;
  }

  /** `changes`: the rows are those of an INSERT, UPDATE or DELETE, of which one is the most; `dynamic`: EXECUTE's. */
  async checkRows(
    count: number,
    { strict }: Into,
    { changes, dynamic }: { readonly changes: boolean; readonly dynamic: boolean },
    parameters: () => ShownParameters,
  ): Promise<void> {
    if (count === 1 || (count === 0 && !strict)) return;
    const line = strict && this.#printStrict ? parametersLine(parameters()) : null;
    const detail = line === null ? {} : { detail: line };
    if (count === 0) throw sqlError('P0002', 'query returned no rows', detail);
    const level = strict || changes ? 'ERROR' : dynamic ? null : this.#level('too_many_rows');
    if (level === null) return;
    const hint = dynamic ? {} : { hint: 'Make sure the query returns a single row, or use LIMIT 1.' };
    await this.#tell(level, 'P0003', 'query returned more than one row', { ...detail, ...hint });
  }

  /** A row has more columns than it goes into places, or fewer. */
  async checkColumns(): Promise<void> {
    const level = this.#level('strict_multi_assignment');
    if (level === null) return;
    const setting = level === 'ERROR' ? 'extra_errors' : 'extra_warnings';
    await this.#tell(level, '42804', 'number of source and target fields in assignment does not match', {
      detail: `strict_multi_assignment check of ${setting} is active.`,
      hint: 'Make sure the query returns the exact list of columns.',
    });
  }
}

export type RowChecks = Parameters<ExtraChecks['checkRows']> extends [number, Into, ...infer Rest] ? Rest : never;
