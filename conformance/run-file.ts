/** Runs the records of one file in a fresh database, in order, and says which fail. */
import pg from 'pg';
import { hashOf, judgeQuery, valuesOf } from './judge.js';
import type { QueryRecord, SltRecord } from './records.js';

export interface Failure {
  readonly line: number;
  readonly sql: string;
  readonly reason: string;
}

export interface FileResult {
  readonly records: number;
  readonly failures: readonly Failure[];
}

/** Values as PostgreSQL's text. */
const TEXT_TYPES = { getTypeParser: () => (value: unknown) => value } as unknown as pg.CustomTypesConfig;
/** A record that takes longer has failed. */
const STATEMENT_MS = 60_000;

let databases = 0;

/** @param onProgress called now and then with the number of records that are done. */
export async function runFile(
  url: string,
  records: readonly SltRecord[],
  onProgress: (done: number) => void = () => undefined,
): Promise<FileResult> {
  const database = `slt_${process.pid}_${++databases}`;
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  await admin.query(`create database ${database}`);
  const own = new URL(url);
  own.pathname = `/${database}`;
  const client = new pg.Client({ connectionString: own.toString(), types: TEXT_TYPES, query_timeout: STATEMENT_MS });
  const failures: Failure[] = [];
  const labels = new Map<string, string>();
  try {
    await client.connect();
    for (const [i, record] of records.entries()) {
      const reason = await runRecord(client, record, labels);
      if (reason !== null) failures.push({ line: record.line, sql: record.sql, reason });
      if (i % 500 === 0) onProgress(i);
    }
  } finally {
    await client.end();
    await admin.query(`drop database ${database}`);
    await admin.end();
  }
  return { records: records.length, failures };
}

async function runRecord(client: pg.Client, record: SltRecord, labels: Map<string, string>): Promise<string | null> {
  try {
    if (record.kind === 'query') return await runQuery(client, record, labels);
    await client.query(record.sql);
    return record.fails ? 'no error, and one was expected' : null;
  } catch (error) {
    if (record.kind === 'statement' && record.fails) return null;
    const { code = '', message = String(error) } = error as { code?: string; message?: string };
    return `${code} ${message}`.trim();
  }
}

async function runQuery(client: pg.Client, record: QueryRecord, labels: Map<string, string>): Promise<string | null> {
  const { rows } = await client.query<(string | null)[]>({ text: record.sql, rowMode: 'array' });
  const problem = judgeQuery(record, rows);
  if (problem !== null || record.label === null) return problem;
  const hash = hashOf(valuesOf(record.types, record.sort, rows));
  const before = labels.get(record.label) ?? hash;
  labels.set(record.label, before);
  return before === hash ? null : `another result than an earlier query of ${record.label}`;
}
