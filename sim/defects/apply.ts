/**
 * Puts a defect into a copy of the compiled simulator. The program that was built stays as it is: it
 * is copied once (`Workshop`), and every defect gets a copy of that with the patched files over it.
 *
 * Fails: a patch whose text does not occur exactly once in its file, or changes nothing, is refused.
 */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';
import type { Patch } from './defect.js';

/** The root of the repository, whether this runs compiled or as it is. */
export function findRoot(from: string): string {
  for (let at = from; ; at = dirname(at)) {
    if (existsSync(join(at, 'tsconfig.sim.json'))) return at;
    if (dirname(at) === at) throw new Error(`no tsconfig.sim.json above ${from}`);
  }
}

function occurrences(text: string, part: string): number {
  return part === '' ? 0 : text.split(part).length - 1;
}

/** The files that the patches change, with their new text. @throws Error if a patch does not fit. */
export function patchedSources(root: string, patches: readonly Patch[]): Map<string, string> {
  const sources = new Map<string, string>();
  for (const { file, find, replace } of patches) {
    const text = sources.get(file) ?? readFileSync(join(root, file), 'utf8');
    const count = occurrences(text, find);
    if (count !== 1) throw new Error(`${file}: the text to be replaced occurs ${count} times: ${find}`);
    // Not by String.replace, in which "$" has a meaning.
    const at = text.indexOf(find);
    sources.set(file, text.slice(0, at) + replace + text.slice(at + find.length));
  }
  return sources;
}

/** Compiles one file as the build does. @throws Error on a syntax error. */
export function compileSource(root: string, file: string, text: string): string {
  const { outputText, diagnostics } = ts.transpileModule(text, {
    // A file alone does not tell that its package is one of ES modules.
    compilerOptions: {
      ...compilerOptions(root),
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      sourceMap: false,
      inlineSourceMap: true,
    },
    fileName: join(root, file),
    reportDiagnostics: true,
  });
  const errors = (diagnostics ?? []).filter((d) => d.category === ts.DiagnosticCategory.Error);
  if (errors.length > 0) throw new Error(`${file}: ${ts.formatDiagnostics(errors, FORMAT)}`);
  return outputText;
}

const FORMAT: ts.FormatDiagnosticsHost = {
  getCanonicalFileName: (name) => name,
  getCurrentDirectory: () => '/',
  getNewLine: () => '\n',
};

const optionsOf = new Map<string, ts.CompilerOptions>();

function compilerOptions(root: string): ts.CompilerOptions {
  let options = optionsOf.get(root);
  if (options === undefined) {
    const path = join(root, 'tsconfig.json');
    const { config, error } = ts.readConfigFile(path, ts.sys.readFile);
    if (error !== undefined) throw new Error(ts.formatDiagnostics([error], FORMAT));
    options = ts.convertCompilerOptionsFromJson(config.compilerOptions, root).options;
    optionsOf.set(root, options);
  }
  return options;
}

/** Where patched programs are made. */
export class Workshop {
  readonly #root: string;
  readonly #directory: string;

  /** Copies the simulator as it is built now; what is built later does not matter any more. @throws Error */
  constructor(root: string, built = join(root, 'dist/sim')) {
    this.#root = resolve(root);
    if (!existsSync(join(built, 'sim/run.js')))
      throw new Error(`${built} holds no simulator: build it with npm run presim`);
    this.#directory = mkdtempSync(join(tmpdir(), 'quoral-defects-'));
    cpSync(built, join(this.#directory, 'base'), { recursive: true });
    symlinkSync(join(this.#root, 'node_modules'), join(this.#directory, 'node_modules'));
    writeFileSync(join(this.#directory, 'package.json'), '{ "type": "module" }\n');
  }

  /** Returns the directory of a program with the patches in it; `<directory>/sim/run.js` starts it. */
  make(name: string, patches: readonly Patch[]): string {
    const directory = join(this.#directory, name);
    cpSync(join(this.#directory, 'base'), directory, { recursive: true });
    for (const [file, text] of patchedSources(this.#root, patches)) {
      const target = join(directory, compiledName(file));
      if (!existsSync(target)) throw new Error(`the simulator was built without ${file}`);
      writeFileSync(target, compileSource(this.#root, file, text));
    }
    return directory;
  }

  discard(directory: string): void {
    if (relative(this.#directory, directory).startsWith('..')) throw new Error(`${directory} is not of this workshop`);
    rmSync(directory, { recursive: true, force: true });
  }

  close(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function compiledName(file: string): string {
  return file.replace(/\.ts$/, '.js');
}
