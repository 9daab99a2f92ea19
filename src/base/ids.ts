/** Ids are plain safe integers with a brand, so that two of them cannot be swapped by accident. */
declare const brand: unique symbol;
type Branded<T, B extends string> = T & { readonly [brand]?: B };

export type NodeId = Branded<number, 'NodeId'>;
export type RangeId = Branded<number, 'RangeId'>;
/** A replica of a range is known to Raft by its node's id: one store per node. */
export type ReplicaId = Branded<number, 'ReplicaId'>;
/** Microseconds since the Unix epoch with the logical part folded in (DESIGN 3). 0 means none. */
export type Timestamp = Branded<number, 'Timestamp'>;
/** 16 random bytes as a binary string. */
export type TxnId = Branded<string, 'TxnId'>;

export const TIMESTAMP_MAX: Timestamp = Number.MAX_SAFE_INTEGER;
export function nextTs(ts: Timestamp): Timestamp {
  return ts + 1;
}
export function prevTs(ts: Timestamp): Timestamp {
  return ts - 1;
}
export function formatTxnId(id: TxnId): string {
  return Buffer.from(id, 'latin1').toString('hex').slice(0, 8);
}
