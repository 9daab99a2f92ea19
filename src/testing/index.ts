/**
 * `quoral/testing`: a real cluster inside the test process. Every node is the production code over an
 * in-process network; clients connect through real sockets, or without one through `sql()`.
 */
export { startCluster, type Cluster, type ClusterOptions } from './cluster.js';
export type { QueryResult, QueryField } from './query.js';
export {
  DatabaseError,
  type ClientField,
  type ClientOptions,
  type ClientQuery,
  type ClientResult,
  type PgClient,
} from './pg-client.js';
export { simulate, type SimulateOptions, type SimulationBody, type SimulationRun } from './simulate/simulate.js';
export type { CrashOptions, NodeStatus, Simulation, SqlOptions } from './simulate/simulation.js';
export type { ConflictCounts, ConflictRates } from './simulate/conflicts.js';
export type { Duration } from './simulate/durations.js';
export { SimulationError } from './simulate/failure.js';
export type { Heal, LinkOptions, PartitionOptions, SimDiskControl } from './simulate/faults.js';
export type { FaultKind } from './sim/nemesis.js';
export { CRASH_POINTS, type CrashPointName } from '../base/probes.js';
export * from './judges/index.js';
