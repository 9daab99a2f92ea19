/**
 * After `tsc`: dist/bundle holds what `quoral` and `quoral/testing…` import, in a few files instead of 340.
 * Loading that many takes Node 20 about a quarter of a second, twice as long as starting a cluster, and
 * every test process pays it. dist/ itself stays as it is: types, the command line, stack traces' sources.
 *
 * core-<hash>.cjs is everything of ours; the entries (index, vitest, jest, node-test) are a few lines
 * that take their names from it through load.js, which brings it together with V8's compiled code.
 *
 * What is not ours stays outside: packages with native code or WebAssembly, what only a cluster over
 * sockets needs, and the test frameworks of the helpers.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { rolldown } from 'rolldown';

const OUT = 'dist/bundle';
const EXTERNAL = [/^node:/, /^@grpc\/grpc-js/, /^@nxtedition\/rocksdb/, /^libpg-query/, /^vitest/, /^pg$/];
/** What the helpers import of ours. */
const OURS = ['./harness.js', '../base/errors.js'];

rmSync(OUT, { recursive: true, force: true });
const bundle = await rolldown({ input: { core: 'dist/testing/core.js' }, external: EXTERNAL, platform: 'node' });
// Names stay, for stack traces; and lines, of which Node prints the one that threw: one of 400,000 characters hides the error.
const minify = { compress: true, mangle: false, codegen: { removeWhitespace: false } };
const names = { entryFileNames: '[name]-[hash].cjs', chunkFileNames: 'chunk-[name]-[hash].cjs' };
const { output } = await bundle.write({ dir: OUT, format: 'cjs', sourcemap: true, minify, ...names });
await bundle.close();
// Started by their addresses beside the code that does it.
for (const thread of ['storage/log-writer-worker.mjs', 'env/node/file-writer-worker.mjs']) {
  copyFileSync(`dist/${thread}`, `${OUT}/${thread.split('/').at(-1)}`);
}

const core = output.find((chunk) => chunk.isEntry).fileName;
writeFileSync(`${OUT}/load.js`, readFileSync('scripts/bundle-load.mjs', 'utf8').replace('__CORE__', `./${core}`));
const exported = Object.keys(createRequire(import.meta.url)(`../${OUT}/${core}`));
const helpersOnly = ['testDatabase', 'QuoralError'];
const take = (list) => `import { core } from './load.js';\nexport const { ${list.join(', ')} } = core;\n`;
writeFileSync(`${OUT}/index.js`, take(exported.filter((name) => !helpersOnly.includes(name))));
writeFileSync(`${OUT}/internal.js`, take(helpersOnly));

const ours = {
  name: 'ours',
  resolveId: (source, importer) =>
    importer !== undefined && OURS.includes(source) ? { id: './internal.js', external: true } : null,
};
const helpers = await rolldown({
  input: Object.fromEntries(['vitest', 'jest', 'node-test'].map((name) => [name, `dist/testing/${name}.js`])),
  external: EXTERNAL,
  platform: 'node',
  plugins: [ours],
});
await helpers.write({ dir: OUT, format: 'esm' });
await helpers.close();

// In a process of its own: what it compiles is what a user's process will.
execFileSync(process.execPath, ['scripts/code-cache.mjs'], { stdio: 'inherit' });
