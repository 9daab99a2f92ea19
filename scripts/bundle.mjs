/**
 * After `tsc`: dist/bundle holds what `quoral` and `quoral/testing…` import, in a few files instead of 340.
 * Loading that many takes Node 20 about a quarter of a second, twice as long as starting a cluster, and
 * every test process pays it. dist/ itself stays as it is: types, the command line, stack traces' sources.
 *
 * What is not ours stays outside: packages with native code or WebAssembly, what only a cluster over
 * sockets needs, and the test frameworks of the helpers.
 */
import { copyFileSync, rmSync } from 'node:fs';
import { rolldown } from 'rolldown';

const OUT = 'dist/bundle';
const ENTRIES = ['index', 'vitest', 'jest', 'node-test'];
const EXTERNAL = [/^node:/, /^@grpc\/grpc-js/, /^@nxtedition\/rocksdb/, /^libpg-query/, /^vitest/, /^pg$/];

rmSync(OUT, { recursive: true, force: true });
const bundle = await rolldown({
  input: Object.fromEntries(ENTRIES.map((name) => [name, `dist/testing/${name}.js`])),
  external: EXTERNAL,
  platform: 'node',
});
// Smaller files load faster; names stay, for stack traces.
const minify = { compress: true, mangle: false, codegen: { removeWhitespace: true } };
await bundle.write({ dir: OUT, format: 'esm', sourcemap: true, minify, chunkFileNames: 'chunk-[name]-[hash].js' });
await bundle.close();
// Started by its address beside the code of the storage engine.
copyFileSync('dist/storage/log-writer-worker.mjs', `${OUT}/log-writer-worker.mjs`);
