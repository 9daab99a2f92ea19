#!/usr/bin/env node
/**
 * The `quoral` command: finds the subcommand, runs it, turns what it ends with into an exit code
 * (exit.ts) and a message. What a command needs is loaded with it: the shell need not load a server. Only this file and the handlers of signals end the process.
 */
import { fileURLToPath } from 'node:url';
import { unreachable } from '../base/assert.js';
import { NodeDisk } from '../env/node/disk.js';
import { parseCommand, type Command } from './arguments.js';
import { EXIT_OK, explain } from './exit.js';
import { helpText } from './help.js';

async function version(): Promise<string> {
  const bytes = await new NodeDisk().readFile(fileURLToPath(new URL('../../package.json', import.meta.url)));
  const parsed = JSON.parse((bytes ?? Buffer.from('{}')).toString('utf8')) as {
    readonly version?: string;
  };
  return parsed.version ?? 'unknown';
}

async function run(command: Command): Promise<number> {
  switch (command.kind) {
    case 'help':
      process.stdout.write(helpText(command.topic));
      return EXIT_OK;
    case 'version':
      process.stdout.write(`quoral ${await version()}\n`);
      return EXIT_OK;
    case 'start':
      return (await import('./start.js')).runStart(command, await version());
    case 'demo':
      return (await import('./demo.js')).runDemo(command, fileURLToPath(import.meta.url));
    case 'sql':
      return (await import('./sql.js')).runSql(command);
    default:
      return unreachable(command, 'command');
  }
}

/** Waits until standard output and error have taken what was written: exit() would drop it. */
function flushed(): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write('', () => process.stderr.write('', () => resolve()));
  });
}

async function main(): Promise<void> {
  let code: number;
  try {
    code = await run(parseCommand(process.argv.slice(2)));
  } catch (error) {
    const failure = explain(error);
    process.stderr.write(`quoral: ${failure.text}\n`);
    code = failure.code;
  }
  await flushed();
  process.exit(code);
}

await main();
