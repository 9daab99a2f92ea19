/**
 * The fixed seeds: together they reached every coverage mark, most of them twice over, when they were chosen, and
 * CI runs them.
 *
 * A change of the code moves the draws of every seed behind it, so that a rare mark may be missed. Then spare seeds are
 * run until all marks are reached, and it fails if they do not do it either. When many are needed, choose
 * again: `npm run sim -- --from 1 --seeds 400 --jobs 2 --cover` names the seeds.
 */
export interface SimRun {
  /** Whole nodes with SQL clients, or the Raft core alone. */
  readonly kind: 'cluster' | 'raft';
  readonly seed: number;
  /** Of a cluster: these; without, the standard ones. */
  readonly workloads?: readonly string[];
}

const CLUSTER_SEEDS: readonly number[] = [
  51001, 51011, 51012, 51017, 51033, 51042, 51047, 51077, 51116, 51122, 51124, 51140, 51146, 51210, 51237, 51247, 51253,
  51258, 51265, 51280, 51288, 61062,
];
const RAFT_SEEDS: readonly number[] = [5, 17, 18, 58, 79];

/** Schema changes under writers' hands have a cluster for themselves. */
const SCHEMA_SEEDS: readonly number[] = [4, 12, 25];

export const FIXED_RUNS: readonly SimRun[] = [
  ...CLUSTER_SEEDS.map((seed) => ({ kind: 'cluster', seed }) as const),
  ...SCHEMA_SEEDS.map((seed) => ({ kind: 'cluster', seed, workloads: ['schema'] }) as const),
  ...RAFT_SEEDS.map((seed) => ({ kind: 'raft', seed }) as const),
];

const FIRST_SPARE = 51_101;
const SPARES = 80;
/** Run one after the other while a mark is missing. */
export const SPARE_RUNS: readonly SimRun[] = Array.from(
  { length: SPARES },
  (_, i) => ({ kind: 'cluster', seed: FIRST_SPARE + i }) as const,
);
