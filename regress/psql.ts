/** A marked script on a server, through the real psql; its output by statement. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { MARK } from './scripts.js';

export interface Outcome {
  readonly lines: readonly string[];
  /** As psql's variable says it after the statement; null: psql never came to its end. */
  readonly sqlstate: string | null;
}

export interface PsqlRun {
  readonly url: string;
  readonly text: string;
  /** Takes all that psql writes, of both streams in the order in which they were written. */
  readonly outputFile: string;
  readonly sourceFolder: string;
  readonly workFolder: string;
  readonly timeoutMs: number;
}

/** How PostgreSQL's own driver of these scripts sets the session up. */
const SESSION = { PGTZ: 'PST8PDT', PGDATESTYLE: 'Postgres, MDY', PGOPTIONS: '-c intervalstyle=postgres_verbose' };
/** The scripts' variables that leave parts of \d+ out. */
const VARIABLES = ['-v', 'HIDE_TABLEAM=on', '-v', 'HIDE_TOAST_COMPRESSION=on'];

/** Returns whether psql ended by itself. */
export async function runPsql(run: PsqlRun): Promise<boolean> {
  const { url, text, outputFile, sourceFolder, workFolder, timeoutMs } = run;
  const output = openSync(outputFile, 'w');
  try {
    const folders = { PG_ABS_SRCDIR: sourceFolder, PG_ABS_BUILDDIR: workFolder, PG_LIBDIR: workFolder };
    const env = { ...process.env, ...SESSION, ...folders, PG_DLSUFFIX: '.so', LC_ALL: 'C' };
    const child = spawn('psql', ['-X', '-q', ...VARIABLES, '-d', url], {
      cwd: workFolder,
      env,
      stdio: ['pipe', output, output],
    });
    // It may end before it has read all.
    child.stdin!.on('error', () => undefined);
    child.stdin!.end(text);
    let inTime = true;
    const timer = setTimeout(() => {
      inTime = false;
      child.kill('SIGKILL');
    }, timeoutMs);
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', () => resolve());
    });
    clearTimeout(timer);
    return inTime;
  } finally {
    closeSync(output);
  }
}

export function readOutcomes(outputFile: string, statements: number): Outcome[] {
  return outcomesOf(readFileSync(outputFile, 'utf8'), statements);
}

/** What was written before a mark belongs to its statement, also where marks are missing that should come earlier. */
export function outcomesOf(output: string, statements: number): Outcome[] {
  const found: Outcome[] = [];
  let lines: string[] = [];
  for (const line of output.split('\n')) {
    // The mark's own echo, where a script turns ECHO on.
    if (line.startsWith(`\\echo '${MARK}'`)) continue;
    const at = line.indexOf(`${MARK} `);
    if (at < 0) {
      if (line.trim() !== '') lines.push(line.trimEnd());
      continue;
    }
    // Output without a newline at its end.
    if (at > 0) lines.push(line.slice(0, at).trimEnd());
    const [, index, sqlstate] = line.slice(at).split(' ');
    while (found.length < Number(index)) found.push({ lines: [], sqlstate: null });
    found.push({ lines, sqlstate: sqlstate ?? null });
    lines = [];
  }
  if (found.length < statements) found.push({ lines, sqlstate: null });
  while (found.length < statements) found.push({ lines: [], sqlstate: null });
  return found;
}
