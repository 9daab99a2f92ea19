/** List-append histories, judged by their levels; see isolation.ts for the method and its limits. */
import type { History, Verdict } from './history.js';
import { judge, type IsolationOptions } from './isolation.js';

export function checkListAppend(history: History, options: IsolationOptions = {}): Verdict {
  return judge('list-append', history, 'list', options);
}
