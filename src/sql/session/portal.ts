/** Prepared statements, portals and cursors of a session. */
import { sqlError } from '../../base/errors.js';
import type { CompiledStatement, CursorQuery, Execution, ParsedStatement } from '../contract.js';
import type { ResultColumn } from '../session-api.js';
import type { VariableNames } from '../plan/variables.js';
import type { Datum } from '../types/datum.js';
import { catalogOidOf } from '../types/registry.js';
import type { CachedPlan } from './plan-cache.js';
import type { CursorRows } from './cursor-rows.js';
import type { StatementMemory } from './memory.js';
import { failedTransaction } from './transaction-state.js';

const STATEMENTS_MAX = 10_000;

/** @throws QuoralError if no further statement may be prepared under this name. */
export function checkRoom(prepared: ReadonlyMap<string, Prepared>, name: string): void {
  if (name !== '' && prepared.has(name)) throw sqlError('42P05', `prepared statement "${name}" already exists`);
  if (prepared.size >= STATEMENTS_MAX) throw sqlError('53000', 'too many prepared statements in this session');
}

/** Of a failed transaction the portals are gone; that it failed is what there is to say of one. */
export function noSuchPortal(name: string, failed = false): Error {
  return failed ? failedTransaction() : sqlError('34000', `portal "${name}" does not exist`);
}

/** A statement that can be run again and again; `plan` is replaced when it is out of date. */
export class Prepared {
  text: string;
  /** null: an empty query. */
  statement: ParsedStatement | null;
  declaredOids: readonly number[];
  /**
   * Its plan is one with literals lifted out (lifted-plans.ts): from this text, which counts if that plan cannot be used,
   * and with these values, which are then not looked at.
   */
  written: { readonly text: string; readonly values: readonly Datum[] } | null = null;
  /** Key in the node's plan cache; null: not to be shared (inner statement of PREPARE, EXPLAIN …). */
  readonly shared: boolean;
  parameterOids: readonly number[];
  columns: readonly ResultColumn[] | null;
  plan: CachedPlan | null = null;
  /** `plan` was found by the text alone: what that means now is still to be compared. */
  unchecked = false;
  /** Settings under which `plan` was compiled. */
  planKey = '';
  /** True once Describe could have been answered: the result must not change its shape afterwards. */
  described = false;

  /** When it got its name: microseconds since 2000-01-01 UTC. */
  preparedAt = 0n;
  /** By PREPARE. */
  fromSql = false;
  /** How often it was bound to values. */
  runs = 0;

  /** Of the function whose body it stands in. */
  readonly names: VariableNames | null;

  constructor(
    text: string,
    statement: ParsedStatement | null,
    declaredOids: readonly number[],
    shared: boolean,
    names: VariableNames | null = null,
  ) {
    this.names = names;
    this.text = text;
    this.statement = statement;
    this.declaredOids = declaredOids;
    this.parameterOids = declaredOids;
    this.columns = null;
    this.shared = shared;
  }

  /** As the client sent it. */
  get source(): string {
    return this.written?.text ?? this.text;
  }

  /** It is to be planned as it was written. */
  asWritten(statement: ParsedStatement): void {
    this.text = this.source;
    this.statement = statement;
    this.declaredOids = [];
    this.parameterOids = [];
    this.written = null;
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
  /** Where rows come from once it has to hold some: a cursor, or a portal whose transaction goes on to write. */
  rows: CursorRows | null;
  /** Of a cursor: what `rows` come from. */
  query: CursorQuery | null;
  /** DECLAREd by SQL. */
  readonly cursor: CursorFacts | null;
  /** One that the protocol bound: when it was first run. */
  begunAt: bigint | null;
  /** Outlives the transaction that made it: WITH HOLD, after the commit. */
  held: boolean;
  /** An error came out of it: it gives no more rows. */
  failed: boolean;
  /** A loop of PL/pgSQL goes over it. */
  pinned: boolean;
  /** Later portals have greater numbers. */
  readonly serial: number;
}

export interface CursorFacts {
  readonly hold: boolean;
  /** FETCH gives its rows in binary format. */
  readonly binary?: boolean;
  /** Microseconds since 2000-01-01 UTC. */
  readonly createdAt: bigint;
}

let serials = 0;
/** Of the newest portal. */
export function lastSerial(): number {
  return serials;
}

export function newPortal(
  name: string,
  prepared: Prepared,
  parameters: readonly Datum[],
  cursor: CursorFacts | null = null,
): Portal {
  return {
    name,
    prepared,
    parameters,
    execution: null,
    compiled: null,
    memory: null,
    done: false,
    rows: null,
    query: null,
    cursor,
    begunAt: null,
    held: false,
    failed: false,
    pinned: false,
    serial: ++serials,
  };
}

export function closePortal(portal: Portal): void {
  portal.rows?.close();
  portal.rows = null;
  portal.execution?.close();
  portal.execution = null;
  portal.memory?.close();
  portal.memory = null;
}

/** Runs `body` on the portal; one that fails gives no more rows. @throws QuoralError 55000 */
export async function runPortal<T>(portal: Portal, body: () => Promise<T>): Promise<T> {
  if (portal.failed) throw sqlError('55000', `portal "${portal.name}" cannot be run`);
  try {
    return await body();
  } catch (error) {
    portal.failed = true;
    throw error;
  }
}

/** Closes all but those to be kept. */
export function closePortals(portals: Map<string, Portal>, keep: (portal: Portal) => boolean = () => false): void {
  for (const portal of portals.values()) {
    if (keep(portal)) continue;
    closePortal(portal);
    portals.delete(portal.name);
  }
}

/** A type of users that was altered is still the type that it was. */
export function sameShape(a: readonly ResultColumn[] | null, b: readonly ResultColumn[] | null): boolean {
  if (a === null || b === null) return a === b;
  const same = (one: ResultColumn, other: ResultColumn): boolean =>
    one.name === other.name && catalogOidOf(one.typeOid) === catalogOidOf(other.typeOid);
  return a.length === b.length && a.every((c, i) => same(c, b[i]!));
}
