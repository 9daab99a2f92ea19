/** A cluster of three ranges on three nodes, a key in each, and what tests of transactions do with it over and over. */
import { QuoralError } from '../../../src/base/errors.js';
import type { KvRequest } from '../../../src/range/kv-api.js';
import { ModelCluster } from './model-cluster.js';

export const T = '\x04';
export const A = `${T}a`;
export const B = `${T}m`;
export const C = `${T}t`;

export function cluster(seed = 1, skewsUs?: number[]): ModelCluster {
  return new ModelCluster({
    nodes: 3,
    seed,
    boundaries: [`${T}k`, `${T}s`],
    ...(skewsUs === undefined ? {} : { skewsUs }),
  });
}
export const text = (value: Buffer | null | undefined): string | null =>
  value === null || value === undefined ? null : value.toString();
export const bytes = (value: string): Buffer => Buffer.from(value);

export async function put(c: ModelCluster, ...pairs: [string, string][]): Promise<void> {
  await c.run(
    c.db(1).run({ isolation: 'serializable' }, async (txn) => {
      for (const [key, value] of pairs) txn.put(key, bytes(value));
    }),
  );
  await c.run(c.db(1).settled());
}
export async function read(c: ModelCluster, key: string, node = 2): Promise<string | null> {
  return text((await c.run(c.db(node).getMany([key])))[0]);
}
export const has = (requests: readonly KvRequest[], action: string): boolean =>
  requests.some((r) => r.kind === 'end-txn' && r.action === action);
export async function failure(promise: Promise<unknown>): Promise<QuoralError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof QuoralError) return error;
    throw error;
  }
  throw new Error('it should have failed');
}
