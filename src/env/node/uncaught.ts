/** Errors that nobody caught, for a simulated world that must not go on after one. */

/** Calls `fn` with every rejection that nobody handles, until the returned function is called. */
export function onUnhandledRejection(fn: (error: unknown) => void): () => void {
  const listener = (error: unknown): void => fn(error);
  process.on('unhandledRejection', listener);
  return () => void process.off('unhandledRejection', listener);
}

/**
 * As long as it is not taken back nobody but the caller hears of errors that nobody caught: neither a
 * test runner, which would end the file, nor Node, which would end the process.
 */
export function takeOverUncaught(fn: (error: unknown) => void): () => void {
  const exceptions = process.listeners('uncaughtException');
  const rejections = process.listeners('unhandledRejection');
  process.removeAllListeners('uncaughtException');
  process.removeAllListeners('unhandledRejection');
  process.on('uncaughtException', fn);
  process.on('unhandledRejection', fn);
  return () => {
    process.off('uncaughtException', fn);
    process.off('unhandledRejection', fn);
    for (const listener of exceptions) process.on('uncaughtException', listener);
    for (const listener of rejections) process.on('unhandledRejection', listener);
  };
}
