/**
 * How a `quoral` process ends, the same for every command:
 *
 * | code | meaning |
 * |---|---|
 * | 0 | did what was asked; after SIGTERM or SIGINT: drained and stopped |
 * | 1 | refused or failed for a reason the operator can change (port taken, directory locked, unwritable, of another cluster or newer format; a SQL statement failed) |
 * | 2 | wrong arguments |
 * | 70 | an internal error (a failed assertion, an uncaught exception): a supervisor starts the node again |
 * | 128 + n | a second signal n came during the drain |
 */
import { AssertionError } from '../base/assert.js';
import { QuoralError } from '../base/errors.js';

export const EXIT_OK = 0;
export const EXIT_FAILURE = 1;
export const EXIT_USAGE = 2;
export const EXIT_INTERNAL = 70;

/** The arguments make no sense; the text says which and why. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  /** The command whose help the reader should look at. */
  readonly command: string;

  constructor(command: string, message: string) {
    super(message);
    this.command = command;
  }
}

const SYSTEM_HINTS: Readonly<Record<string, string>> = {
  EACCES:
    'The user that runs Quoral has no permission there. Change the owner or the mode, or choose another directory.',
  EPERM:
    'The user that runs Quoral has no permission there. Change the owner or the mode, or choose another directory.',
  EROFS: 'The file system is mounted read-only. Choose another directory.',
  ENOSPC: 'The disk is full. Make room, or choose a directory on another disk.',
  EDQUOT: 'The disk quota is used up. Make room, or choose a directory on another disk.',
  ENOTDIR: 'A part of the path is a file, not a directory. Choose another path.',
  EEXIST: 'The path is a file, not a directory. Choose another path.',
  EMFILE: 'Too many open files. Raise the limit (ulimit -n).',
};

/** The exit code that an error means, and what the operator should read. */
export interface Failure {
  readonly code: number;
  readonly text: string;
}

/** Expected failures get their message and what to do; everything else its stack, for a bug report. */
export function explain(error: unknown): Failure {
  if (error instanceof UsageError) {
    return {
      code: EXIT_USAGE,
      text: `${error.message}\nTry: quoral help ${error.command}`.trimEnd(),
    };
  }
  if (error instanceof QuoralError) {
    const lines = [error.message];
    if (error.fields.detail !== undefined) lines.push(`detail: ${error.fields.detail}`);
    if (error.fields.hint !== undefined) lines.push(`hint: ${error.fields.hint}`);
    const cause = systemError(error.cause);
    if (cause !== null && !error.message.includes(cause.message)) lines.push(`cause: ${cause.message}`);
    if (cause !== null && error.fields.hint === undefined && SYSTEM_HINTS[cause.code] !== undefined) {
      lines.push(`hint: ${SYSTEM_HINTS[cause.code] as string}`);
    }
    return { code: EXIT_FAILURE, text: lines.join('\n') };
  }
  const system = systemError(error);
  if (system !== null && !(error instanceof AssertionError)) {
    const hint = SYSTEM_HINTS[system.code];
    return {
      code: EXIT_FAILURE,
      text: hint === undefined ? system.message : `${system.message}\nhint: ${hint}`,
    };
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: EXIT_INTERNAL, text: `internal error: ${stack}` };
}

/** What the operating system refused, as far as an error says so. */
function systemError(error: unknown): { readonly code: string; readonly message: string } | null {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return null;
  return { code: String(error.code), message: error.message };
}
