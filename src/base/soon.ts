/**
 * Values that are there at once or later. What mostly has them at once (rows of the catalogs, which are in memory) takes
 * no turn of the event loop and makes no promise for each of thousands.
 *
 * A function that gives a Soon may throw at once as well as give a promise that is rejected: whoever calls it awaits it
 * inside of an async function, or treats both.
 */
export type Soon<T> = T | Promise<T>;

/** `next` of the value: at once if it is there. */
export function after<T, R>(value: Soon<T>, next: (value: T) => Soon<R>): Soon<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}
