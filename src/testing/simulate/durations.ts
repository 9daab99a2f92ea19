/** Durations as people write them: '400ms', '30d', '-1.5s', or a number of milliseconds. */
import { QuoralError } from '../../base/errors.js';

export type Duration = number | string;

const UNIT_US: Readonly<Record<string, number>> = {
  us: 1,
  ms: 1e3,
  s: 1e6,
  m: 60e6,
  h: 3_600e6,
  d: 86_400e6,
};

/** @throws QuoralError 22023 */
export function microseconds(duration: Duration): number {
  if (typeof duration === 'number' && Number.isFinite(duration)) return Math.round(duration * 1000);
  const match = /^\s*([+-]?\d+(?:\.\d+)?)\s*(us|ms|s|m|h|d)\s*$/.exec(String(duration));
  if (match === null) {
    throw new QuoralError('22023', `"${String(duration)}" is not a duration`, {
      fields: { hint: "Write a number of milliseconds, or for example '400ms', '2s', '5m', '3h', '30d'." },
    });
  }
  return Math.round(Number(match[1]) * UNIT_US[match[2]!]!);
}

/** Like `microseconds`, for what cannot be negative. @throws QuoralError 22023 */
export function positiveMicroseconds(duration: Duration): number {
  const us = microseconds(duration);
  if (us >= 0) return us;
  throw new QuoralError('22023', `a duration of ${String(duration)} makes no sense here: it is negative`);
}

export function inSeconds(us: number): string {
  return `${(us / 1e6).toFixed(3)} s`;
}
