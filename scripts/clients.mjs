/**
 * `npm run clients`: the ORMs and query builders of clients/ with their real packages, against a cluster of three
 * nodes in a process of its own, or against QUORAL_URL (PostgreSQL too). Packages are installed into clients/ the
 * first time and whenever its lock file changes. Arguments go to vitest: `npm run clients -- typeorm`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const FOLDER = 'clients';
const STAMP = `${FOLDER}/node_modules/.installed`;

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (error !== undefined) throw error;
  return status ?? 1;
}

function install() {
  const lock = createHash('sha256')
    .update(readFileSync(`${FOLDER}/package-lock.json`))
    .digest('hex');
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === lock) return;
  console.log('clients: installing the packages of clients/');
  // The tests need no install script; Prisma's would download a binary.
  const args = ['install', '--no-audit', '--no-fund', '--no-save', '--ignore-scripts'];
  if (run('npm', args, { cwd: FOLDER }) !== 0) throw new Error('npm could not install the packages of clients/');
  writeFileSync(STAMP, lock);
}

async function openServer() {
  const given = process.env['QUORAL_URL'];
  if (given !== undefined && given !== '') return { url: given, close: async () => undefined };
  const { startCluster } = await import('../dist/bundle/index.js');
  const cluster = await startCluster({ nodes: 3 });
  return { url: cluster.url(0), close: () => cluster.close() };
}

install();
if (run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', FOLDER]) !== 0) process.exit(1);
const server = await openServer();
console.log(`clients: server at ${server.url.replace(/:[^:@/]+@/, ':…@')}`);
// Asynchronously: the servers run in this process.
const tests = spawn(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', '--root', FOLDER, '--reporter', 'verbose', ...process.argv.slice(2)],
  { stdio: 'inherit', env: { ...process.env, QUORAL_URL: server.url } },
);
const code = await new Promise((resolve) => {
  tests.on('exit', (status) => resolve(status ?? 1));
});
await server.close();
process.exit(code);
