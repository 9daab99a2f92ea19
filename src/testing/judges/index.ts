/**
 * The judges as a library, re-exported by `quoral/testing`: record a history in any test, against any
 * database that speaks PostgreSQL's protocol, and get a verdict with the cycle in words.
 */
export type {
  Anomaly,
  AnomalyName,
  History,
  HistoryKey,
  HistoryTransaction,
  HistoryValue,
  IsolationLevel,
  MicroOp,
  Outcome,
  Verdict,
} from './history.js';
export {
  HistoryRecorder,
  outcomeOf,
  sqlStateOf,
  type BeginOptions,
  type RecordedTransaction,
  type Sent,
} from './recorder.js';
export { checkIsolation, type IsolationOptions } from './isolation.js';
export type { RealTime } from './dependency-graph.js';
export { checkListAppend } from './elle-list.js';
export { checkRegisters } from './elle-register.js';
export { checkLongFork } from './long-fork.js';
export { checkWriteSkew } from './write-skew.js';
export {
  checkLinearizable,
  registerOperations,
  type LinearizableOptions,
  type LinearizableVerdict,
  type RegisterAction,
  type RegisterOperation,
} from './linearizable.js';
export { checkBank, type Balances, type BankHistory, type BankOptions, type BankRead, type Transfer } from './bank.js';
export { checkCounters, type CounterOperation, type CounterOptions } from './counter.js';
export { checkUnique, type UniqueInsert, type UniqueRow } from './unique.js';
export { checkIndex, type IndexRow } from './secondary-index.js';
export { checkSet, type SetInsert } from './set.js';
export { judgeTpcc, tpccConditions, type TpccCondition, type TpccOptions } from './tpcc.js';
export { assertOk, explain } from './report.js';
