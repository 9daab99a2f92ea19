/**
 * The list by which the judges are judged: deliberate defects, each of which the simulator must find.
 * No part of production imports it, and the package does not contain it.
 *
 * When a patch does not fit any more because the code has changed, its test says so: move the defect with
 * the code, or replace it by one that breaks the same invariant.
 */
import type { Defect } from './defect.js';
import { RAFT_DEFECTS } from './raft-defects.js';
import { RANGE_DEFECTS } from './range-defects.js';
import { SQL_DEFECTS } from './sql-defects.js';
import { TXN_DEFECTS } from './txn-defects.js';

export const DEFECTS: readonly Defect[] = [...RAFT_DEFECTS, ...RANGE_DEFECTS, ...TXN_DEFECTS, ...SQL_DEFECTS];
