/** The mixed workload of the standard run. */
import type { Workload } from '../workload.js';
import { BankWorkload, CounterWorkload, IndexWorkload, SetWorkload, UniqueWorkload } from './invariants.js';
import { type IsolationOptions, ListWorkload, RegisterWorkload } from './isolation.js';
import { QueueWorkload } from './queue.js';
import { ReferenceWorkload } from './references.js';
import { SchemaWorkload } from './schema-changes.js';
import { SingleKeyWorkload } from './single-key.js';

/** Those that have a cluster for themselves: what they do keeps all others waiting. By name, in runs that ask for them. */
export function otherWorkloads(options: IsolationOptions): Workload[] {
  return [new SchemaWorkload(options)];
}

export function standardWorkloads(options: IsolationOptions): Workload[] {
  return [
    new ListWorkload(options),
    new RegisterWorkload(options),
    new SingleKeyWorkload(options),
    new BankWorkload(options),
    new CounterWorkload(options),
    new UniqueWorkload(),
    new IndexWorkload(),
    new SetWorkload(),
    new QueueWorkload(options),
    new ReferenceWorkload(),
  ];
}
