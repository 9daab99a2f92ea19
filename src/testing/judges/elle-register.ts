/**
 * Histories of read-write registers, judged by their levels; see isolation.ts for the method. Weaker than
 * lists, as a read shows one version and not those before it: prefer lists where the schema is free.
 */
import type { History, Verdict } from './history.js';
import { judge, type IsolationOptions } from './isolation.js';

export function checkRegisters(history: History, options: IsolationOptions = {}): Verdict {
  return judge('registers', history, 'register', options);
}
