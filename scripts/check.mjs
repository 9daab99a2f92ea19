/**
 * `npm run check`: everything that must be green before a review. Runs each step even after one has
 * failed, so that one run tells all; exits with 1 then. `npm run check -- --after-tests`, for CI: `npm test` has
 * just run the unit tests.
 */
import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';

const STEPS = [
  ['format', 'prettier', ['--check', '--log-level', 'warn', '.']],
  ['lint', 'oxlint', ['--quiet']],
  ['types and promises', process.execPath, ['scripts/check-types.mjs']],
  ['unit tests, layers, determinism, limits', 'vitest', ['run', '--project', 'unit']],
];

const afterTests = process.argv.includes('--after-tests');
const failed = [];
for (const [name, command, args] of STEPS) {
  if (afterTests && command === 'vitest') {
    process.stdout.write(`\n== ${name}: ran with npm test\n`);
    continue;
  }
  const started = performance.now();
  process.stdout.write(`\n== ${name}\n`);
  // npm puts node_modules/.bin first in PATH.
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (error !== undefined) process.stdout.write(`${error.message}\n`);
  if (status !== 0) failed.push(name);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`== ${name}: ${status === 0 ? 'ok' : 'FAILED'} (${seconds} s)\n`);
}
process.stdout.write(failed.length === 0 ? '\ncheck: ok\n' : `\ncheck: FAILED: ${failed.join('; ')}\n`);
process.exit(failed.length === 0 ? 0 : 1);
