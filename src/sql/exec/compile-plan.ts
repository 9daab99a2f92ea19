/** From a plan to a factory of operators: one line per kind, so that an omission does not compile. */
import { unreachable } from '../../base/assert.js';
import type { Plan } from '../plan/logical.js';
import { compileAggregate } from './aggregate.js';
import { compileDelete, compileInsert, compileUpdate } from './dml.js';
import { compileJoin } from './join.js';
import { compileLockRows } from './lock-rows.js';
import { compileMerge } from './merge.js';
import { compileDistinct, compileFilter, compileLimit, compileProject, compileSetOp } from './operators.js';
import { compileRepeatableScan } from './kept-scan.js';
import { compileProjectSet } from './project-set.js';
import { PacedOperator } from './pace.js';
import { type OperatorFactory, RowsOperator } from './run.js';
import { compileSample } from './sample.js';
import { compileSort } from './sort.js';
import { compileFunction, compileOne, compileValues } from './sources.js';
import { compileVirtual } from './virtual-scan.js';
import { compileWindow } from './window.js';
import { compileCteScan, compileWith } from './with.js';

export function compilePlan(plan: Plan): OperatorFactory {
  const make = compileNode(plan);
  return (run) => {
    const { profile, pace } = run.ctx;
    const operator = pace === undefined ? make(run) : new PacedOperator(make(run), run.ctx);
    return profile === undefined ? operator : profile.watch(plan, operator);
  };
}

function compileNode(plan: Plan): OperatorFactory {
  switch (plan.kind) {
    case 'scan':
      return compileRepeatableScan(plan);
    case 'virtual':
      return compileVirtual(plan);
    case 'values':
      return compileValues(plan);
    case 'function':
      return compileFunction(plan);
    case 'sample':
      return compileSample(plan);
    case 'filter':
      return compileFilter(plan);
    case 'project':
      return compileProject(plan);
    case 'projectset':
      return compileProjectSet(plan);
    case 'join':
      return compileJoin(plan);
    case 'aggregate':
      return compileAggregate(plan);
    case 'window':
      return compileWindow(plan);
    case 'distinct':
      return compileDistinct(plan);
    case 'sort':
      return compileSort(plan);
    case 'lockrows':
      return compileLockRows(plan);
    case 'limit':
      return compileLimit(plan);
    case 'setop':
      return compileSetOp(plan);
    case 'ctescan':
      return compileCteScan(plan.cte);
    case 'with':
      return compileWith(plan);
    case 'one':
      return compileOne();
    case 'empty':
      return () => new RowsOperator([]);
    case 'insert':
      return compileInsert(plan);
    case 'update':
      return compileUpdate(plan);
    case 'delete':
      return compileDelete(plan);
    case 'merge':
      return compileMerge(plan);
    default:
      return unreachable(plan, 'plan');
  }
}
