/** pg_cancel_backend and pg_terminate_backend, on sessions of one node. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';
import type { Session } from '../../../src/sql/session/session.js';
import { shutdownError } from '../../../src/sql/session/transaction-state.js';
import { Client, startServer } from '../support/server.js';

let server: ManagedSqlServer;
let a: Client;
let b: Client;
beforeEach(async () => {
  server = await startServer();
  a = await Client.open(server);
  b = await Client.open(server);
});

const pidOf = async (client: Client): Promise<string> => String((await client.rows('SELECT pg_backend_pid()'))[0]![0]);

describe('another session', () => {
  it('has its statement cancelled, and lives', async () => {
    const pid = await pidOf(b);
    const sleeping = b.error('SELECT pg_sleep(60)');
    expect(await a.rows(`SELECT pg_cancel_backend(${pid})`)).toEqual([['t']]);
    expect(await sleeping).toBe('57014 canceling statement due to user request');
    expect(await b.rows('SELECT 1')).toEqual([['1']]);
  });

  it('is ended: while it runs, while it is idle in a transaction whose locks it gives back, and is gone from pg_stat_activity', async () => {
    await a.all('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)');
    const pid = await pidOf(b);
    await b.all('BEGIN; SELECT * FROM t FOR UPDATE');
    expect(
      await a.rows(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()`),
    ).toEqual([['t']]);
    expect(await b.error('SELECT 1')).toBe('57P01 terminating connection due to administrator command');
    expect(await a.rows('UPDATE t SET id = 2 RETURNING id')).toEqual([['2']]);
    expect(await a.rows(`SELECT count(*) FROM pg_stat_activity WHERE pid = ${pid}`)).toEqual([['0']]);
  });

  it('that does not exist is told so', async () => {
    expect(await a.rows('SELECT pg_cancel_backend(5), pg_terminate_backend(5), pg_terminate_backend(5, 10)')).toEqual([
      ['f', 'f', 'f'],
    ]);
    expect(await a.error('SELECT pg_terminate_backend(5, -1)')).toBe('22023 "timeout" must not be negative');
  });
});

it('a session may end itself', async () => {
  const message = await b.error('SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(60)');
  expect(message).toBe('57P01 terminating connection due to administrator command');
});

it('a session may not keep itself from its end', async () => {
  const body = 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); EXCEPTION WHEN OTHERS THEN NULL; END';
  expect(await b.error(`DO $$${body}$$`)).toBe('57P01 terminating connection due to administrator command');
  expect(await b.error('SELECT 1')).toBe('57P01 terminating connection due to administrator command');
});

it('a session that is ended while a statement finishes undisturbed is ended after it', async () => {
  const answers = new Set<string>();
  for (let turns = 0; turns < 40; turns++) {
    const client = await Client.open(server);
    const running = client.rows('SELECT 1').then(
      () => 'undisturbed',
      (error: unknown) => (error as { sqlstate: string }).sqlstate,
    );
    for (let i = 0; i < turns; i++) await Promise.resolve();
    (client.session as Session).terminate(shutdownError());
    answers.add(await running);
    expect(await client.error('SELECT 1'), `${turns} turns`).toBe(
      '57P01 terminating connection due to administrator command',
    );
  }
  expect([...answers].sort()).toEqual(['57P01', 'undisturbed']);
});
