/** Which rare branches a test has taken. */
import { onTestFinished } from 'vitest';
import { installProbes, type MarkName, removeProbes } from '../../src/base/probes.js';

/** The marks that this test reaches from here on, in the order in which they are first reached. */
export function collectMarks(): MarkName[] {
  const marks: MarkName[] = [];
  installProbes({
    onMark: (name) => {
      if (!marks.includes(name)) marks.push(name);
    },
    onCrashPoint: () => undefined,
  });
  onTestFinished(() => removeProbes());
  return marks;
}
