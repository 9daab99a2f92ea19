/**
 * Exponential backoff with jitter. The random number is an argument, so the sequence is the
 * caller's to replay: attempt n waits between half and all of `base * 2^n`, at most `max`.
 */
export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
}

export function backoffMs(options: BackoffOptions, attempt: number, random: number): number {
  const full = Math.min(options.maxMs, options.baseMs * 2 ** Math.min(attempt, 30));
  return full / 2 + (full / 2) * random;
}
