/**
 * The command lines of the project's own tools (bench, chaos, conformance, fuzz, regress, sim): what is wrong with the
 * arguments in one line, then how they go, and exit code 2; --help says how they go, and ends with 0.
 */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { EXIT_FAILURE, EXIT_OK, EXIT_USAGE, UsageError } from './exit.js';

type Options = NonNullable<ParseArgsConfig['options']>;

export interface Tool<T extends Options> {
  readonly name: string;
  /** All of --help. */
  readonly usage: string;
  /** But for --help, which every tool has. */
  readonly options: T;
  /** Takes arguments that are no options. */
  readonly positionals?: boolean;
}

type Given<T extends Options> = ReturnType<
  typeof parseArgs<{ options: T; allowPositionals: true; strict: true; args: string[] }>
>;

export interface ToolOutput {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
}

const STREAMS: ToolOutput = {
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
};

/** Parses and works; returns the exit code. `work` may throw a UsageError about values. Never throws. */
export async function runTool<T extends Options>(
  tool: Tool<T>,
  args: readonly string[],
  work: (given: Given<T>) => Promise<number> | number,
  { out, error }: ToolOutput = STREAMS,
): Promise<number> {
  try {
    const given = argumentsOf(tool, args);
    if (given !== null) return await work(given);
    out(`${tool.usage}\n`);
    return EXIT_OK;
  } catch (failure) {
    if (failure instanceof UsageError) {
      error(`${tool.name}: ${failure.message}\n\n${tool.usage}\n`);
      return EXIT_USAGE;
    }
    error(`${tool.name}: ${failure instanceof Error ? (failure.stack ?? failure.message) : String(failure)}\n`);
    return EXIT_FAILURE;
  }
}

/** null: help was asked for. @throws UsageError */
function argumentsOf<T extends Options>(tool: Tool<T>, args: readonly string[]): Given<T> | null {
  const options = { ...tool.options, help: { type: 'boolean', short: 'h' } } as const;
  const allowPositionals = tool.positionals === true;
  try {
    const given = parseArgs({ args: [...args], options, strict: true, allowPositionals });
    return (given.values as { help?: boolean }).help === true ? null : (given as unknown as Given<T>);
  } catch (failure) {
    if (!(failure instanceof TypeError && 'code' in failure)) throw failure;
    // What follows the first sentence is about the places of options that look like arguments.
    throw new UsageError(tool.name, failure.message.split(/\. |\.?\n/)[0]!);
  }
}

/** @throws UsageError */
export function wholeNumber(tool: string, name: string, text: string, least = 0): number {
  const value = Number(text);
  if (text === '' || !Number.isInteger(value) || value < least)
    throw new UsageError(tool, `--${name} wants a whole number from ${least} on, not "${text}"`);
  return value;
}
