/** Verdicts as text, for a failing test's message or a terminal. Pure. */
import type { Verdict } from './history.js';

/** One line for each verdict, and every anomaly of those that failed. */
export function explain(verdicts: readonly Verdict[]): string {
  const lines: string[] = [];
  for (const verdict of verdicts) {
    const stats = Object.entries(verdict.stats)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ');
    const count = verdict.anomalies.length;
    const result = verdict.ok ? 'ok' : `${count} ${count === 1 ? 'anomaly' : 'anomalies'}`;
    lines.push(`${verdict.checker}: ${result}${stats === '' ? '' : ` (${stats})`}`);
    verdict.anomalies.forEach((anomaly, index) => {
      const begins = anomaly.explanation.startsWith(anomaly.name);
      const text = begins ? anomaly.explanation : `${anomaly.name}: ${anomaly.explanation}`;
      lines.push(`  ${index + 1}. ${text.replaceAll('\n', '\n     ')}`);
    });
  }
  return lines.join('\n');
}

/** Throws with the explanation unless all verdicts are ok: one line at the end of a test. */
export function assertOk(verdicts: readonly Verdict[]): void {
  if (verdicts.every((verdict) => verdict.ok)) return;
  throw new Error(`the history is not possible:\n${explain(verdicts.filter((verdict) => !verdict.ok))}`);
}
