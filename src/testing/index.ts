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
