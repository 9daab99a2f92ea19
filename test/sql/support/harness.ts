/** A small database for tests of parser, planner and executor: CREATE TABLE makes descriptors, the rest is planned. */
import type { ColumnDef, Constraint, CreateStmt, IndexStmt, Node } from 'libpg-query';
import type {
  CatalogSnapshot,
  CompiledStatement,
  ExecContext,
  ParsedStatement,
  Relation,
  SessionServices,
  VirtualTable,
} from '../../../src/sql/contract.js';
import type {
  CheckDescriptor,
  ColumnDescriptor,
  IndexDescriptor,
  TableDescriptor,
} from '../../../src/sql/catalog/descriptor.js';
import type { ResultColumn, ResultSink } from '../../../src/sql/session-api.js';
import type { Datum } from '../../../src/sql/types/datum.js';
import type { FormatContext } from '../../../src/sql/types/type-info.js';
import { sqlError } from '../../../src/base/errors.js';
import { parseSql } from '../../../src/sql/parse/parser.js';
import { explainText } from '../../../src/sql/plan/explain-format.js';
import { createPlanner } from '../../../src/sql/plan/planner.js';
import { as } from '../../../src/sql/plan/ast.js';
import { BUILT_IN_ONLY, resolveTypeName } from '../../../src/sql/plan/coerce.js';
import { typeByOid } from '../../../src/sql/types/registry.js';
import { tableCodec } from '../../../src/sql/exec/index-codec.js';
import { MemoryDb } from './memory-kv.js';
import type { MemoryTxn } from './memory-kv.js';

export const FORMAT: FormatContext = {
  timeZone: 'UTC',
  extraFloatDigits: 1,
  byteaOutput: 'hex',
  intervalStyle: 'postgres',
  dateStyle: 'ISO, MDY',
  transactionNow: 800_000_000_000_000n,
  statementNow: 800_000_000_000_000n,
};

export interface Answer {
  readonly columns: readonly ResultColumn[] | null;
  /** Text forms, NULL as null. */
  readonly rows: readonly (readonly (string | null)[])[];
  readonly tag: string;
  readonly copyOut: string;
}

let statementCounter = 1;

export class Harness {
  readonly db = new MemoryDb();
  readonly tables = new Map<string, TableDescriptor>();
  readonly virtuals = new Map<string, VirtualTable>();
  readonly planner = createPlanner();
  readonly sequences = new Map<string, bigint>();
  readonly names: string[] = [];
  fresh = false;
  /** Set to run several statements in one transaction. */
  txn: MemoryTxn | null = null;
  #nextId = 20_000;

  get format(): FormatContext {
    return {
      ...FORMAT,
      names: {
        relationOid: (name) => this.tables.get(name.replace(/^public\./, ''))?.id ?? this.#sequenceOid(name),
        relationName: (oid) =>
          [...this.tables.values()].find((t) => t.id === oid)?.name ?? this.names[oid - 90_000] ?? null,
        typeOid: () => null,
        typeName: () => null,
      },
    };
  }
  #sequenceOid(name: string): number | null {
    const at = this.names.indexOf(name);
    return at < 0 ? null : 90_000 + at;
  }

  readonly catalog: CatalogSnapshot = {
    database: 'test',
    searchPath: ['public'],
    relation: ({ schema, name }): Relation | null => {
      const table = schema === null || schema === 'public' ? this.tables.get(name) : undefined;
      if (table !== undefined) return { kind: 'table', table, schemaName: 'public', freshStorage: this.fresh };
      return (schema === null || schema === 'pg_catalog' ? this.virtuals.get(name) : undefined) ?? null;
    },
    type: () => null,
  };

  services(): SessionServices {
    const name = (s: string | number): string => (typeof s === 'number' ? (this.names[s - 90_000] ?? `#${s}`) : s);
    return {
      nextval: async (s) => {
        const next = (this.sequences.get(name(s)) ?? 0n) + 1n;
        this.sequences.set(name(s), next);
        return next;
      },
      cursorKey: () => null,
      sequenceState: async (s) => ({ value: this.sequences.get(name(s)) ?? 0n, isCalled: this.sequences.has(name(s)) }),
      currval: (s) => this.sequences.get(name(s)) ?? 0n,
      setval: async (s, v) => {
        this.sequences.set(name(s), v);
        return v;
      },
      lastval: async () => 0n,
      setting: () => null,
      setSetting: (_n, v) => v,
      user: 'postgres',
      database: 'test',
      searchPath: ['public'],
      processId: 1,
      serverVersion: '15.0',
      typeOid: () => null,
      typeName: () => null,
      commentOf: () => null,
      domainCheck: () => null,
      relationOid: (n) => this.tables.get(n)?.id ?? null,
      relationName: (oid) => [...this.tables.values()].find((t) => t.id === oid)?.name ?? null,
      tableByOid: (oid) => [...this.tables.values()].find((t) => t.id === oid) ?? null,
      allTables: () => [...this.tables.values()],
      tableOfIndex: (oid: number) =>
        [...this.tables.values()].find((t) => t.indexes.some((i) => i.oid === oid)) ?? null,
      tableOfConstraint: (oid: number) =>
        [...this.tables.values()].find(
          (t) =>
            t.checks.some((one) => one.oid === oid) ||
            t.indexes.some((one) => one.constraintOid === oid) ||
            (t.foreignKeys ?? []).some((one) => one.oid === oid),
        ) ?? null,
      viewByOid: () => null,
      schemaNameOf: () => null,
    } as SessionServices;
  }

  context(txn: MemoryTxn, parameters: readonly Datum[]): ExecContext {
    let seed = statementCounter++;
    return {
      txn,
      db: this.db,
      parameters,
      format: this.format,
      services: this.services(),
      memory: { limitBytes: 1 << 30, grow: () => undefined, shrink: () => undefined },
      signal: new AbortController().signal,
      // Deferred checks are the session's to report: its tests have them.
      implicit: false,
      rng: {
        bytes: (n) =>
          Buffer.from(Array.from({ length: n }, () => ((seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 16) & 255)),
        next: () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x80000000,
      },
      notice: () => undefined,
    };
  }

  compile(text: string, parameterOids: readonly number[] = []): CompiledStatement {
    const [statement] = parseSql(text);
    return this.planner.compile(statement as ParsedStatement, parameterOids, this.catalog, {
      format: this.format,
      user: 'postgres',
      database: 'test',
    });
  }

  explain(text: string): string {
    const tree = this.compile(text).explain({ verbose: false });
    const layout = { costs: false, analyze: false, timing: false };
    return explainText(tree, layout, { planningMs: null, executionMs: null }).join('\n');
  }

  async run(text: string, parameters: readonly (string | null)[] = [], input: readonly Buffer[] = []): Promise<Answer> {
    let answer: Answer = { columns: null, rows: [], tag: '', copyOut: '' };
    for (const statement of parseSql(text)) answer = await this.#one(statement, parameters, input);
    return answer;
  }

  async #one(statement: ParsedStatement, texts: readonly (string | null)[], input: readonly Buffer[]): Promise<Answer> {
    if (statement.kind === 'CreateStmt') return this.createTable(statement.node['CreateStmt'] as CreateStmt);
    if (statement.kind === 'IndexStmt') return this.createIndex(statement.node['IndexStmt'] as IndexStmt);
    if (statement.kind === 'CreateSeqStmt') {
      this.names.push((statement.node['CreateSeqStmt'] as { sequence: { relname: string } }).sequence.relname);
      return { columns: null, rows: [], tag: 'CREATE SEQUENCE', copyOut: '' };
    }
    const compiled = this.planner.compile(statement, [], this.catalog, {
      format: this.format,
      user: 'postgres',
      database: 'test',
    });
    const parameters = compiled.parameterOids.map((oid, i): Datum => {
      const text = texts[i] ?? null;
      return text === null ? null : typeByOid(oid).input(text, -1, this.format);
    });
    const rows: (string | null)[][] = [];
    let copyOut = '';
    const sink: ResultSink = {
      columns: () => undefined,
      row: (values) => {
        rows.push(
          values.map((v, i) =>
            v === null || v === undefined
              ? null
              : typeByOid(compiled.columns?.[i]?.typeOid ?? 25).output(v, this.format),
          ),
        );
      },
      slow: () => null,
      complete: () => undefined,
      suspended: () => undefined,
      empty: () => undefined,
      notice: () => undefined,
      parameterStatus: () => undefined,
      copyIn: async function* () {
        for (const chunk of input) yield chunk;
      },
      copyOut: () => undefined,
      copyData: (chunk) => {
        copyOut += Buffer.from(chunk).toString('utf8');
      },
      copyDone: () => undefined,
    };
    if (compiled.pointRead !== null) {
      const keys = compiled.pointRead.keys(parameters, this.format);
      const values = await this.db.getMany(keys);
      const count = compiled.pointRead.rows(values, parameters, this.format, sink);
      return { columns: compiled.columns, rows, tag: `SELECT ${count}`, copyOut };
    }
    const txn = this.txn ?? this.db.begin({ isolation: 'serializable' });
    const mark = txn.savepoint();
    const execution = compiled.start(this.context(txn, parameters));
    try {
      await execution.run(sink, 0);
    } catch (error) {
      if (this.txn === null) await txn.rollback();
      else txn.rollbackTo(mark);
      throw error;
    } finally {
      execution.close();
    }
    if (this.txn === null) await txn.commit();
    return { columns: compiled.columns, rows, tag: execution.tag, copyOut };
  }

  createTable(stmt: CreateStmt): Answer {
    const name = stmt.relation?.relname ?? '';
    const columns: ColumnDescriptor[] = [];
    const checks: CheckDescriptor[] = [];
    const keys: { columns: string[]; primary: boolean; name: string }[] = [];
    const constraint = (c: Constraint, column: string | null): void => {
      const names = (c.keys ?? []).map((k) => as(k, 'String')?.sval ?? '');
      if (column !== null) names.push(column);
      if (c.contype === 'CONSTR_PRIMARY')
        keys.push({ columns: names, primary: true, name: c.conname ?? `${name}_pkey` });
      else if (c.contype === 'CONSTR_UNIQUE')
        keys.push({ columns: names, primary: false, name: c.conname ?? `${name}_${names.join('_')}_key` });
    };
    for (const element of stmt.tableElts ?? []) {
      const table = as(element, 'Constraint');
      if (table !== undefined) {
        if (table.contype === 'CONSTR_CHECK')
          checks.push({
            oid: this.#nextId++,
            name: table.conname ?? `${name}_check`,
            expressionSql: this.#slice(stmt, table.raw_expr),
            columnIds: [],
          });
        constraint(table, null);
        continue;
      }
      const def = as(element, 'ColumnDef') as ColumnDef;
      const type = resolveTypeName(def.typeName!, BUILT_IN_ONLY);
      let nullable = true;
      let defaultSql: string | null = null;
      let identity: ColumnDescriptor['identity'] = null;
      for (const node of def.constraints ?? []) {
        const c = as(node, 'Constraint')!;
        if (c.contype === 'CONSTR_NOTNULL') nullable = false;
        else if (c.contype === 'CONSTR_DEFAULT') defaultSql = this.#slice(stmt, c.raw_expr);
        else if (c.contype === 'CONSTR_CHECK')
          checks.push({
            oid: this.#nextId++,
            name: c.conname ?? `${name}_${def.colname}_check`,
            expressionSql: this.#slice(stmt, c.raw_expr),
            columnIds: [],
          });
        else if (c.contype === 'CONSTR_IDENTITY') {
          identity = c.generated_when === 'a' ? 'always' : 'by default';
          nullable = false;
          this.names.push(`${name}_${def.colname}_seq`);
        } else constraint(c, def.colname ?? '');
      }
      columns.push({
        id: columns.length + 1,
        name: def.colname ?? '',
        typeOid: type.oid,
        typmod: type.typmod,
        nullable,
        defaultSql,
        identity,
        sequenceId: identity === null ? null : 90_000 + this.names.length - 1,
        hidden: false,
        collation: null,
        missingText: null,
        dropped: false,
      });
    }
    if (!keys.some((k) => k.primary)) {
      columns.push({
        id: columns.length + 1,
        name: 'rowid',
        typeOid: 20,
        typmod: -1,
        nullable: false,
        defaultSql: null,
        identity: null,
        sequenceId: null,
        hidden: true,
        collation: null,
        missingText: null,
        dropped: false,
      });
      keys.push({ columns: ['rowid'], primary: true, name: `${name}_rowid` });
    }
    keys.sort((a, b) => Number(b.primary) - Number(a.primary));
    const hidden = columns.some((c) => c.hidden);
    const indexes = keys.map((k, i): IndexDescriptor => ({
      id: i + 1,
      oid: this.#nextId++,
      name: k.name,
      unique: true,
      primary: k.primary,
      columns: k.columns.map((n) => ({ columnId: columns.find((c) => c.name === n)!.id, descending: false })),
      storing: [],
      constraintOid: hidden && k.primary ? null : this.#nextId++,
    }));
    const primary = new Set(indexes[0]!.columns.map((c) => c.columnId));
    const id = this.#nextId++;
    this.tables.set(name, {
      kind: 'table',
      id,
      name,
      databaseId: 1,
      schemaId: 1,
      version: 1,
      owner: 10,
      columns: columns.map((c) => (primary.has(c.id) ? { ...c, nullable: false } : c)),
      nextColumnId: columns.length + 1,
      indexes,
      nextIndexId: indexes.length + 1,
      checks,
      comment: null,
      storageId: id,
      options: {},
      unlogged: false,
    });
    return { columns: null, rows: [], tag: 'CREATE TABLE', copyOut: '' };
  }

  #slice(_stmt: CreateStmt, node: Node | undefined): string {
    return deparse(node);
  }

  async createIndex(stmt: IndexStmt): Promise<Answer> {
    const table = this.tables.get(stmt.relation?.relname ?? '');
    if (table === undefined) throw sqlError('42P01', `relation "${stmt.relation?.relname}" does not exist`);
    const columns = (stmt.indexParams ?? []).map((n) => {
      const e = as(n, 'IndexElem')!;
      return { columnId: table.columns.find((c) => c.name === e.name)!.id, descending: e.ordering === 'SORTBY_DESC' };
    });
    const names = columns.map((c) => table.columns.find((x) => x.id === c.columnId)!.name);
    const index: IndexDescriptor = {
      id: table.nextIndexId,
      oid: this.#nextId++,
      name: stmt.idxname ?? `${table.name}_${names.join('_')}_idx`,
      unique: stmt.unique ?? false,
      primary: false,
      columns,
      storing: [],
      constraintOid: null,
    };
    const after: TableDescriptor = {
      ...table,
      version: table.version + 1,
      indexes: [...table.indexes, index],
      nextIndexId: table.nextIndexId + 1,
    };
    this.tables.set(table.name, after);
    const codec = tableCodec(after);
    const entries = codec.secondaries.at(-1)!;
    await this.db.run({ isolation: 'serializable' }, async (txn) => {
      const rows = await txn.scan({ ...codec.primary.span });
      for (const value of rows.values) {
        const row = codec.decodeRow(value);
        txn.put(entries.keyOfRow(row), entries.entryOfRow(row));
      }
    });
    return { columns: null, rows: [], tag: 'CREATE INDEX', copyOut: '' };
  }
}

/** Enough of a deparser for the defaults and checks that tests use. */
function deparse(node: Node | undefined): string {
  const c = as(node, 'A_Const');
  if (c !== undefined) {
    if (c.isnull === true) return 'NULL';
    if (c.ival !== undefined) return String(c.ival.ival ?? 0);
    if (c.fval !== undefined) return c.fval.fval ?? '0';
    if (c.boolval !== undefined) return String(c.boolval.boolval ?? false);
    return `'${(c.sval?.sval ?? '').replaceAll("'", "''")}'`;
  }
  const e = as(node, 'A_Expr');
  if (e !== undefined) return `(${deparse(e.lexpr)} ${as(e.name?.[0], 'String')?.sval ?? ''} ${deparse(e.rexpr)})`;
  const ref = as(node, 'ColumnRef');
  if (ref !== undefined) return (ref.fields ?? []).map((f) => as(f, 'String')?.sval ?? '').join('.');
  const f = as(node, 'FuncCall');
  if (f !== undefined)
    return `${as(f.funcname?.at(-1), 'String')?.sval ?? ''}(${(f.args ?? []).map(deparse).join(', ')})`;
  const cast = as(node, 'TypeCast');
  if (cast !== undefined) return `(${deparse(cast.arg)})::${as(cast.typeName?.names?.at(-1), 'String')?.sval ?? ''}`;
  const bool = as(node, 'BoolExpr');
  if (bool !== undefined)
    return `(${(bool.args ?? []).map(deparse).join(bool.boolop === 'OR_EXPR' ? ' OR ' : ' AND ')})`;
  if (as(node, 'SQLValueFunction') !== undefined) return 'CURRENT_TIMESTAMP';
  throw new Error(`deparse: ${JSON.stringify(node)}`);
}
