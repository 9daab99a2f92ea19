/** Errors that nobody caught, for a simulated world that must not go on after one. */

/** Calls `fn` with every rejection that nobody handles, until the returned function is called. */
export function onUnhandledRejection(fn: (error: unknown) => void): () => void {
  const listener = (error: unknown): void => fn(error);
  process.on('unhandledRejection', listener);
  return () => void process.off('unhandledRejection', listener);
}
