/**
 * Loads the bundled core with the code that V8 compiled when it was built: without that, compiling takes
 * half of the time from an import to a cluster's first answer. (Node 22 has module.enableCompileCache, 20 has not.)
 *
 * The compiled code counts only for the V8 that made it, and for that very source: both are part of the files'
 * names. Where it does not fit, and wherever the caller's realm is not the process's own (Jest's sandboxes) or
 * stack traces are to be mapped, Node's loader takes the file as any other.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';

const CORE = '__CORE__';

const require = createRequire(import.meta.url);
const path = fileURLToPath(new URL(CORE, import.meta.url));
export const cachePath = `${path}.${process.platform}-${process.arch}-${process.versions.v8}.cache`;

function compile() {
  const sandboxed = vm.runInThisContext('globalThis') !== globalThis;
  const mapped =
    process.sourceMapsEnabled === true ||
    /--enable-source-maps/.test(`${process.execArgv} ${process.env.NODE_OPTIONS}`);
  if (sandboxed || mapped || require.cache?.[path] !== undefined) return null;
  // Only at the build, which deletes what was there.
  const makes = process.env.QUORAL_MAKE_CODE_CACHE === 'yes';
  if (!makes && !existsSync(cachePath)) return null;
  const source = readFileSync(path, 'utf8');
  const compiled = new vm.Script(`(function(exports,require,module,__filename,__dirname){${source}\n})`, {
    filename: path,
    cachedData: makes ? undefined : readFileSync(cachePath),
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  return compiled.cachedDataRejected === true ? null : compiled;
}

function load() {
  if (script === null) return require(CORE);
  const module = { id: path, filename: path, path: dirname(path), loaded: false, exports: {}, children: [], paths: [] };
  // Whoever requires it again, a chunk for one, gets this one.
  require.cache[path] = module;
  script.runInThisContext()(module.exports, createRequire(path), module, path, dirname(path));
  module.loaded = true;
  return module.exports;
}

const script = compile();
export const core = load();

/** What V8 has compiled by now, functions that were called included; null if it was loaded the common way. */
export function compiledCode() {
  return script?.createCachedData() ?? null;
}
