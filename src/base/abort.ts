import { setMaxListeners } from 'node:events';

/**
 * A controller whose signal many may wait for at once: a statement asks dozens of ranges in parallel, and
 * Node would take more than ten listeners for a leak and say so on stderr.
 */
export function newAbortController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
