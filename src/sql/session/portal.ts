/** Prepared statements, portals and cursors of a session. */
import type { CompiledStatement, Execution, ParsedStatement } from '../contract.js';
import type { ResultColumn } from '../session-api.js';
import type { Datum } from '../types/datum.js';
import type { CachedPlan } from './plan-cache.js';
import type { StatementMemory } from './memory.js';

/** A statement that can be run again and again; `plan` is replaced when it is out of date. */
export class Prepared {
  readonly text: string;
  /** null: an empty query. */
  readonly statement: ParsedStatement | null;
  readonly declaredOids: readonly number[];
  /** Key in the node's plan cache; null: not to be shared (inner statement of PREPARE, EXPLAIN …). */
  readonly shared: boolean;
  parameterOids: readonly number[];
  columns: readonly ResultColumn[] | null;
  plan: CachedPlan | null = null;
  /** Settings under which `plan` was compiled. */
  planKey = '';
  /** True once Describe could have been answered: the result must not change its shape afterwards. */
  described = false;

  constructor(text: string, statement: ParsedStatement | null, declaredOids: readonly number[], shared: boolean) {
    this.text = text;
    this.statement = statement;
    this.declaredOids = declaredOids;
    this.parameterOids = declaredOids;
    this.columns = null;
    this.shared = shared;
  }
}

export interface Portal {
  readonly name: string;
  readonly prepared: Prepared;
  readonly parameters: readonly Datum[];
  execution: Execution | null;
  compiled: CompiledStatement | null;
  memory: StatementMemory | null;
  done: boolean;
  /** Rows sent so far, for cursors. */
  position: number;
  /** DECLAREd by SQL: not to be closed by the protocol's unnamed portal. */
  readonly cursor: boolean;
}

export function newPortal(name: string, prepared: Prepared, parameters: readonly Datum[], cursor = false): Portal {
  return {
    name,
    prepared,
    parameters,
    execution: null,
    compiled: null,
    memory: null,
    done: false,
    position: 0,
    cursor,
  };
}

export function closePortal(portal: Portal): void {
  portal.execution?.close();
  portal.execution = null;
  portal.memory?.close();
  portal.memory = null;
}

export function sameShape(a: readonly ResultColumn[] | null, b: readonly ResultColumn[] | null): boolean {
  if (a === null || b === null) return a === b;
  return a.length === b.length && a.every((c, i) => c.typeOid === b[i]!.typeOid && c.name === b[i]!.name);
}
