/**
 * Stands in for a node under the supervisor: a real process that serves at once, or ends as told by
 * its arguments: [how often it fails first, folder for counting, exit code].
 */
import { readFileSync, writeFileSync } from 'node:fs';

const [, , what, counter, code] = process.argv;

function attempt() {
  let count = 0;
  try {
    count = Number(readFileSync(counter, 'utf8'));
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  writeFileSync(counter, String(count + 1));
  return count + 1;
}

process.on('message', (message) => {
  if (message.kind === 'stop') process.exit(0);
});
process.on('disconnect', () => process.exit(0));

function serve() {
  process.send({ kind: 'serving', nodeId: 1, sqlPort: 1 });
}

switch (what) {
  case 'serve':
    serve();
    break;
  case 'refuse':
    process.stderr.write('quoral: port taken\nhint: choose another');
    process.exit(Number(code));
    break;
  case 'serve-then-refuse':
    // Serves the first time, then fails as a node whose port is held.
    if (attempt() === 1) serve();
    else process.exit(Number(code));
    break;
  default:
    throw new Error(`what is ${what}?`);
}
