import { describe, expect, it } from 'vitest';
import { SYSTEM_KEYS } from '../../../src/encoding/keyspace.js';
import {
  decodeDescriptor,
  decodeLease,
  decodeNameEntry,
  decodeSchemaLock,
  encodeDescriptor,
  encodeLease,
  encodeNameEntry,
  encodeSchemaLock,
  schemaLockKey,
} from '../../../src/sql/catalog/codec.js';
import type { TableDescriptor } from '../../../src/sql/catalog/descriptor.js';
import { CatalogRequest } from '../../../src/encoding/proto/catalog.js';

const table: TableDescriptor = {
  kind: 'table',
  id: 16384,
  name: 'tä',
  databaseId: 5,
  schemaId: 2200,
  version: 3,
  owner: 10,
  columns: [
    {
      id: 1,
      name: 'a',
      typeOid: 23,
      typmod: -1,
      nullable: false,
      defaultSql: '1',
      identity: null,
      sequenceId: null,
      hidden: false,
      collation: null,
      missingText: null,
      dropped: false,
    },
  ],
  nextColumnId: 2,
  indexes: [
    {
      id: 1,
      oid: 16385,
      name: 't_pkey',
      unique: true,
      primary: true,
      columns: [{ columnId: 1, descending: false }],
      storing: [],
      constraintOid: 16386,
    },
  ],
  nextIndexId: 2,
  checks: [{ oid: 16387, name: 'c', expressionSql: '(a > 0)', columnIds: [1] }],
  comment: null,
  storageId: 16388,
  options: { fillfactor: '70' },
  unlogged: false,
};

const computed: TableDescriptor = {
  ...table,
  columns: [{ ...table.columns[0]!, defaultSql: null, generated: { expressionSql: '(b * 2)', columnIds: [2] } }],
  indexes: [
    {
      ...table.indexes[0]!,
      columns: [
        {
          columnId: 0,
          descending: true,
          expression: { expressionSql: '(a + 1)', typeOid: 23, typmod: -1, columnIds: [1], name: 'expr' },
        },
      ],
      predicate: { expressionSql: '(a > 0)', columnIds: [1] },
    },
  ],
};

describe('stored forms of the catalog', () => {
  it('are these bytes for what is computed', () => {
    expect(encodeDescriptor(computed).toString('utf8')).toMatchInlineSnapshot(
      `"{"v":1,"d":{"kind":"table","id":16384,"name":"tä","databaseId":5,"schemaId":2200,"version":3,"owner":10,"columns":[{"id":1,"name":"a","typeOid":23,"typmod":-1,"nullable":false,"defaultSql":null,"identity":null,"sequenceId":null,"hidden":false,"collation":null,"missingText":null,"dropped":false,"generated":{"expressionSql":"(b * 2)","columnIds":[2]}}],"nextColumnId":2,"indexes":[{"id":1,"oid":16385,"name":"t_pkey","unique":true,"primary":true,"columns":[{"columnId":0,"descending":true,"expression":{"expressionSql":"(a + 1)","typeOid":23,"typmod":-1,"columnIds":[1],"name":"expr"}}],"storing":[],"constraintOid":16386,"predicate":{"expressionSql":"(a > 0)","columnIds":[1]}}],"nextIndexId":2,"checks":[{"oid":16387,"name":"c","expressionSql":"(a > 0)","columnIds":[1]}],"comment":null,"storageId":16388,"options":{"fillfactor":"70"},"unlogged":false}}"`,
    );
    expect(decodeDescriptor(encodeDescriptor(computed))).toEqual(computed);
  });

  it('are these bytes', () => {
    expect(encodeDescriptor(table).toString('utf8')).toMatchInlineSnapshot(
      `"{"v":1,"d":{"kind":"table","id":16384,"name":"tä","databaseId":5,"schemaId":2200,"version":3,"owner":10,"columns":[{"id":1,"name":"a","typeOid":23,"typmod":-1,"nullable":false,"defaultSql":"1","identity":null,"sequenceId":null,"hidden":false,"collation":null,"missingText":null,"dropped":false}],"nextColumnId":2,"indexes":[{"id":1,"oid":16385,"name":"t_pkey","unique":true,"primary":true,"columns":[{"columnId":1,"descending":false}],"storing":[],"constraintOid":16386}],"nextIndexId":2,"checks":[{"oid":16387,"name":"c","expressionSql":"(a > 0)","columnIds":[1]}],"comment":null,"storageId":16388,"options":{"fillfactor":"70"},"unlogged":false}}"`,
    );
    expect(decodeDescriptor(encodeDescriptor(table))).toEqual(table);
    expect(encodeNameEntry({ id: 7, indexOid: null }).toString()).toBe('7');
    expect(encodeNameEntry({ id: 7, indexOid: 9 }).toString()).toBe('7:9');
    expect(decodeNameEntry(Buffer.from('7:9'))).toEqual({ id: 7, indexOid: 9 });
    expect(encodeSchemaLock({ node: 2, token: 'ab' }).toString()).toBe('2:ab');
    expect(decodeSchemaLock(Buffer.from('2:ab'))).toEqual({ node: 2, token: 'ab' });
    expect(decodeLease(encodeLease(1_700_000_000_000_123))).toBe(1_700_000_000_000_123);
    expect(Buffer.from(schemaLockKey(16384), 'latin1').toString('hex')).toBe('0364646c2f824000');
    expect(Buffer.from(SYSTEM_KEYS.name(5, 2200, 'tä'), 'latin1').toString('hex')).toBe('036e616d652f810582089874c3a4');
    expect(
      Buffer.from(
        CatalogRequest.encode({
          request: { $case: 'lock', value: { token: 'x', ids: [16384], coordinator: 2, waitMs: 500 } },
        }).finish(),
      ).toString('hex'),
    ).toBe('0a0d0a01781203808001180220f403');
  });

  it('refuses what it does not know', () => {
    expect(() => decodeDescriptor(Buffer.from('{"v":2,"d":{}}'))).toThrow('unknown format version 2');
    expect(() => decodeDescriptor(Buffer.from('{"v":'))).toThrow('damaged');
    expect(() => decodeNameEntry(Buffer.from('x'))).toThrow('damaged');
  });
});
