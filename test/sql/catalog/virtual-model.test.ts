/** Rows of the system catalogs from descriptors made by hand. */
import { describe, expect, it } from 'vitest';
import type { ColumnDescriptor, Descriptor, TableDescriptor } from '../../../src/sql/catalog/descriptor.js';
import { virtualRelation, virtualRelationByOid } from '../../../src/sql/catalog/virtual/registry.js';
import type { ExecContext } from '../../../src/sql/contract.js';
import { type PgArray } from '../../../src/sql/types/datum.js';
import type { Datum } from '../../../src/sql/types/datum.js';
import { findTypeByOid } from '../../../src/sql/types/registry.js';

const DATABASE = 5;

function column(id: number, name: string, typeOid: number, more: Partial<ColumnDescriptor> = {}): ColumnDescriptor {
  return {
    id,
    name,
    typeOid,
    typmod: -1,
    nullable: true,
    defaultSql: null,
    identity: null,
    sequenceId: null,
    hidden: false,
    collation: null,
    missingText: null,
    dropped: false,
    ...more,
  };
}

function table(id: number, name: string, more: Partial<TableDescriptor>): TableDescriptor {
  return {
    kind: 'table',
    id,
    name,
    databaseId: DATABASE,
    schemaId: 2200,
    version: 1,
    owner: 10,
    columns: [],
    nextColumnId: 9,
    indexes: [],
    nextIndexId: 9,
    checks: [],
    comment: null,
    storageId: id,
    options: {},
    unlogged: false,
    ...more,
  };
}

const users = table(20000, 'users', {
  comment: 'people',
  columns: [
    column(1, 'id', 23, { nullable: false, defaultSql: "nextval('users_id_seq'::regclass)", sequenceId: 20001 }),
    column(2, 'gone', 25, { dropped: true }),
    column(3, 'name', 1043, { typmod: 14, comment: 'full name' }),
    column(4, 'tags', 1009),
  ],
  indexes: [
    {
      id: 1,
      oid: 20002,
      name: 'users_pkey',
      unique: true,
      primary: true,
      columns: [{ columnId: 1, descending: false }],
      storing: [],
      constraintOid: 20003,
    },
    {
      id: 2,
      oid: 20004,
      name: 'users_name',
      unique: false,
      primary: false,
      columns: [{ columnId: 3, descending: true }],
      storing: [4],
      constraintOid: null,
    },
  ],
  checks: [{ oid: 20005, name: 'users_id_check', expressionSql: '(id > 0)', columnIds: [1] }],
  options: { fillfactor: '90' },
});
const plain = table(20010, 'plain', {
  columns: [column(1, 'a', 20), column(2, 'rowid', 2950, { hidden: true, nullable: false })],
  indexes: [
    {
      id: 1,
      oid: 20011,
      name: 'plain_rowid',
      unique: true,
      primary: true,
      columns: [{ columnId: 2, descending: false }],
      storing: [],
      constraintOid: null,
    },
  ],
});
const elsewhere = table(20020, 'elsewhere', { databaseId: 77, columns: [column(1, 'a', 23)] });
const DESCRIPTORS: readonly Descriptor[] = [
  { kind: 'schema', id: 2200, name: 'public', databaseId: 0, version: 1, owner: 10 },
  { kind: 'database', id: DATABASE, name: 'postgres', version: 1, owner: 10, comment: 'default' },
  users,
  plain,
  elsewhere,
  {
    kind: 'sequence',
    id: 20001,
    name: 'users_id_seq',
    databaseId: DATABASE,
    schemaId: 2200,
    version: 1,
    owner: 10,
    typeOid: 23,
    start: '1',
    increment: '1',
    min: '1',
    max: '2147483647',
    cache: 1,
    cycle: false,
    ownedBy: { tableId: 20000, columnId: 1 },
  },
];

function contextOf(descriptors: readonly Descriptor[]): ExecContext {
  const view = {
    descriptors,
    byId: new Map(descriptors.map((d) => [d.id, d])),
    databaseId: DATABASE,
    searchPath: ['public'],
  };
  const tables = descriptors.filter((d): d is TableDescriptor => d.kind === 'table' && d.databaseId === DATABASE);
  const services = {
    view: async () => view,
    databaseId: DATABASE,
    database: 'postgres',
    user: 'postgres',
    settingRows: () => [],
    cursors: () => [],
    preparedStatements: () => [],
    activity: () => [],
    listLocks: async () => {
      const entry = { node: 1, incarnation: 'a', number: 2, processId: 3, exclusive: true };
      return [{ databaseId: 5, name: { space: 1, high: 0, low: 7 }, entry, granted: true }];
    },
    lockReport: async () => ({ sessions: [], waits: [] }),
    allTables: () => tables,
    tableOfIndex: (oid: number) => tables.find((t) => t.indexes.some((i) => i.oid === oid)) ?? null,
    tableOfConstraint: (oid: number) =>
      tables.find(
        (t) =>
          t.checks.some((one) => one.oid === oid) ||
          t.indexes.some((one) => one.constraintOid === oid) ||
          (t.foreignKeys ?? []).some((one) => one.oid === oid),
      ) ?? null,
    tableByOid: (oid: number) => tables.find((one) => one.id === oid) ?? null,
    relationName: (oid: number) => tables.find((one) => one.id === oid)?.name ?? null,
    qualifiedRelationName: (oid: number) => `public.${tables.find((one) => one.id === oid)!.name}`,
  };
  // Builders use nothing of the context but the services, and the time.
  return { services, format: { statementNow: 0n, transactionNow: 0n } } as unknown as ExecContext;
}

async function select(
  name: string,
  ctx = contextOf(DESCRIPTORS),
  schema = 'pg_catalog',
): Promise<Record<string, Datum>[]> {
  const relation = virtualRelation(schema, name)!;
  const rows = await relation.rows(ctx, []);
  return rows.map((row) => Object.fromEntries(relation.columns.map((one, i) => [one.name, row[i]!])));
}
const numbers = (value: Datum | undefined): readonly Datum[] => (value as PgArray).elements;

describe('system catalogs', () => {
  it("are found by name and by oid, with PostgreSQL's oids", () => {
    expect(virtualRelation('pg_catalog', 'pg_class')?.oid).toBe(1259);
    expect(virtualRelationByOid(1249)?.name).toBe('pg_attribute');
    expect(virtualRelation('public', 'pg_class')).toBeNull();
    expect(virtualRelation('pg_catalog', 'users')).toBeNull();
    expect(virtualRelationByOid(20000)).toBeNull();
  });

  it('have a value of each row for every column, of a type that exists', async () => {
    const relations = await select('pg_class');
    const ctx = contextOf(DESCRIPTORS);
    for (const one of relations) {
      const relation = virtualRelationByOid(one['oid'] as number);
      if (relation === null) continue;
      for (const { typeOid } of relation.columns) expect(findTypeByOid(typeOid), relation.name).not.toBeNull();
      for (const row of await relation.rows(ctx, [])) expect(row.length, relation.name).toBe(relation.columns.length);
    }
    expect(relations.length).toBeGreaterThan(150);
  });

  it('list tables, indexes and sequences of this database', async () => {
    const rows = (await select('pg_class')).filter((row) => (row['oid'] as number) >= 16384);
    expect(
      rows.map((row) => [
        row['oid'],
        row['relname'],
        row['relkind'],
        row['relam'],
        row['relnatts'],
        row['relhasindex'],
      ]),
    ).toEqual([
      [20000, 'users', 'r', 2, 4, true],
      [20002, 'users_pkey', 'i', 403, 1, false],
      [20004, 'users_name', 'i', 403, 2, false],
      [20010, 'plain', 'r', 2, 1, false],
      [20001, 'users_id_seq', 'S', 0, 3, false],
    ]);
    expect(rows[0]!['relchecks']).toBe(1);
    expect(numbers(rows[0]!['reloptions'])).toEqual(['fillfactor=90']);
  });

  it('show dropped columns as PostgreSQL does and hide the row id', async () => {
    const rows = (await select('pg_attribute')).filter((row) =>
      [20000, 20010, 20004].includes(row['attrelid'] as number),
    );
    expect(
      rows.map((row) => [
        row['attrelid'],
        row['attnum'],
        row['attname'],
        row['atttypid'],
        row['attisdropped'],
        row['attnotnull'],
        row['atthasdef'],
      ]),
    ).toEqual([
      [20000, 1, 'id', 23, false, true, true],
      [20000, 2, '........pg.dropped.2........', 0, true, false, false],
      [20000, 3, 'name', 1043, false, false, false],
      [20000, 4, 'tags', 1009, false, false, false],
      [20004, 1, 'name', 1043, false, false, false],
      [20004, 2, 'tags', 1009, false, false, false],
      [20010, 1, 'a', 20, false, false, false],
    ]);
    expect(rows.map((row) => row['attndims'])).toEqual([0, 0, 0, 1, 0, 1, 0]);
  });

  it('describe indexes, constraints, defaults and comments', async () => {
    const indexes = await select('pg_index');
    expect(
      indexes.map((row) => [
        row['indexrelid'],
        row['indisprimary'],
        row['indnatts'],
        row['indnkeyatts'],
        numbers(row['indkey']),
        numbers(row['indoption']),
        numbers(row['indclass']),
        numbers(row['indcollation']),
      ]),
    ).toEqual([
      [20002, true, 1, 1, [1], [0], [1978], [0]],
      [20004, false, 2, 1, [3, 4], [3], [3126], [100]],
    ]);
    expect((indexes[0]!['indkey'] as PgArray).lowerBounds).toEqual([0]);
    expect(
      (await select('pg_constraint'))
        .filter((row) => (row['oid'] as number) >= 16384)
        .map((row) => [row['oid'], row['contype'], row['conname'], row['conindid'], numbers(row['conkey'])]),
    ).toEqual([
      [20005, 'c', 'users_id_check', 0, [1]],
      [20003, 'p', 'users_pkey', 20002, [1]],
    ]);
    expect((await select('pg_attrdef')).map((row) => [row['adrelid'], row['adnum'], row['adbin']])).toEqual([
      [20000, 1, "nextval('users_id_seq'::regclass)"],
    ]);
    expect((await select('pg_description')).map((row) => [row['objoid'], row['objsubid'], row['description']])).toEqual(
      [
        [13559, 0, 'PL/pgSQL procedural language'],
        [20000, 0, 'people'],
        [20000, 3, 'full name'],
      ],
    );
    expect((await select('pg_indexes')).map((row) => row['indexdef'])).toContain(
      'CREATE INDEX users_name ON public.users USING btree (name DESC) INCLUDE (tags)',
    );
  });

  it('give every function and operator an oid of its own', async () => {
    for (const name of ['pg_proc', 'pg_operator', 'pg_type', 'pg_cast', 'pg_opclass', 'pg_amop', 'pg_amproc']) {
      const rows = await select(name);
      expect(new Set(rows.map((row) => row['oid'])).size, name).toBe(rows.length);
      // Types of users' relations are numbered as these.
      const oids = rows.filter((row) => (row['typnamespace'] ?? 11) === 11).map((row) => row['oid']);
      expect(
        oids.every((oid) => typeof oid === 'number' && oid > 0 && oid < 16384),
        name,
      ).toBe(true);
    }
  });

  it('answer information_schema', async () => {
    const info = (name: string): Promise<Record<string, Datum>[]> =>
      select(name, contextOf(DESCRIPTORS), 'information_schema');
    const own = (row: Record<string, Datum>): boolean => row['table_schema'] === 'public';
    expect((await info('tables')).filter(own).map((row) => [row['table_name'], row['table_type']])).toEqual([
      ['users', 'BASE TABLE'],
      ['plain', 'BASE TABLE'],
    ]);
    expect(
      (await info('columns'))
        .filter(own)
        .map((row) => [
          row['column_name'],
          row['ordinal_position'],
          row['data_type'],
          row['udt_name'],
          row['character_maximum_length'],
          row['is_nullable'],
        ]),
    ).toEqual([
      ['id', 1, 'integer', 'int4', null, 'NO'],
      ['name', 3, 'character varying', 'varchar', 10, 'YES'],
      ['tags', 4, 'ARRAY', '_text', null, 'YES'],
      ['a', 1, 'bigint', 'int8', null, 'YES'],
    ]);
    expect((await info('table_constraints')).map((row) => [row['constraint_name'], row['constraint_type']])).toEqual([
      ['users_pkey', 'PRIMARY KEY'],
      ['users_id_check', 'CHECK'],
      ['2200_20000_1_not_null', 'CHECK'],
    ]);
    expect((await info('key_column_usage')).map((row) => [row['column_name'], row['ordinal_position']])).toEqual([
      ['id', 1],
    ]);
    expect(
      (await info('check_constraints'))
        .filter((row) => row['constraint_schema'] === 'public')
        .map((row) => row['check_clause']),
    ).toEqual(['((id > 0))', 'id IS NOT NULL']);
  });

  it('follow a changed descriptor though rows are kept', async () => {
    await select('pg_attribute');
    const renamed: TableDescriptor = { ...plain, name: 'renamed', columns: [column(1, 'b', 23)] };
    const ctx = contextOf(DESCRIPTORS.map((d) => (d === plain ? renamed : d)));
    const names = (await select('pg_attribute', ctx))
      .filter((row) => row['attrelid'] === 20010)
      .map((row) => row['attname']);
    expect(names).toEqual(['b']);
    expect((await select('columns', ctx, 'information_schema')).filter((row) => row['table_name'] === 'plain')).toEqual(
      [],
    );
  });
});
