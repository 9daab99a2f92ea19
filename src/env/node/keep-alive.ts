/**
 * Keeps the process alive while it only waits: timers of this environment never do (timers.ts), and
 * a supervisor whose children are all dead holds no socket either.
 */
export interface KeepAlive {
  release(): void;
}

const WAKE_MS = 2 ** 30;

export function keepProcessAlive(): KeepAlive {
  const timer = setInterval(() => undefined, WAKE_MS);
  return { release: () => clearInterval(timer) };
}
