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

const PYTHON = '/usr/bin/python3';
const JDBC = '/usr/share/java/postgresql.jar';
/** Clients in other languages, from Debian's packages; each prints `ok …` or `not ok …` for every test. */
const OTHERS = [
  {
    name: 'python (python3-psycopg2, python3-sqlalchemy)',
    command: PYTHON,
    args: [`${FOLDER}/python/run.py`],
    isThere: () => succeeds(PYTHON, ['-c', 'import psycopg2, sqlalchemy']),
  },
  {
    name: 'django (python3-django)',
    command: PYTHON,
    args: [`${FOLDER}/python/django_run.py`],
    isThere: () => succeeds(PYTHON, ['-c', 'import psycopg2, django.contrib.postgres.fields']),
  },
  {
    name: 'java (libpostgresql-jdbc-java)',
    command: 'java',
    args: ['-cp', JDBC, `${FOLDER}/java/Run.java`],
    // The program is compiled as it is started.
    isThere: () => existsSync(JDBC) && succeeds('javac', ['--version']),
  },
];

function succeeds(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function output(command, args, url) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, QUORAL_URL: url },
      timeout: 120_000,
    });
    let text = '';
    child.stdout.on('data', (chunk) => (text += String(chunk)));
    child.on('close', (status) => resolve({ text, status: status ?? 1 }));
  });
}

/** Prints one line like vitest's, which .ci/run adds up. @returns the number of failed tests */
async function runOtherLanguages(url) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const { name, command, args, isThere } of OTHERS) {
    if (!isThere()) {
      console.log(`clients: SKIPPED ${name}: not installed`);
      sum.skipped++;
      continue;
    }
    const { text, status } = await output(command, args, url);
    console.log(`clients: ${name}\n${text.trimEnd()}`);
    const failed = text.match(/^not ok /gm)?.length ?? 0;
    sum.passed += text.match(/^ok /gm)?.length ?? 0;
    sum.failed += failed;
    // One that broke off, or said nothing, has not passed.
    if (failed === 0 && (status !== 0 || text === '')) sum.failed++;
  }
  const parts = Object.entries(sum).flatMap(([what, n]) => (n === 0 ? [] : [`${n} ${what}`]));
  console.log(`      Tests  ${parts.join(' | ')}`);
  return sum.failed;
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
let code = await new Promise((resolve) => {
  tests.on('exit', (status) => resolve(status ?? 1));
});
if (process.argv.length <= 2 && (await runOtherLanguages(server.url)) > 0) code = 1;
await server.close();
process.exit(code);
