/**
 * Command-line arguments to options of each command. Pure: text in, options or a UsageError out.
 * Addresses and numbers are checked here, so that a mistake is told before anything is started.
 */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { QuoralError } from '../base/errors.js';
import type { LogLevel } from '../env/env.js';
import { parseAddress } from '../env/node/address.js';
import { UsageError } from './exit.js';

export interface StartCommand {
  readonly kind: 'start';
  readonly dataDir: string;
  readonly storage: 'rocksdb' | 'memory';
  readonly sqlAddress: string;
  readonly rpcAddress: string;
  /** null: no HTTP. */
  readonly httpAddress: string | null;
  readonly join: readonly string[];
  /** Another node's RPC address → where to dial instead (a tunnel, a proxy); mostly empty. */
  readonly rpcVia: ReadonlyMap<string, string>;
  readonly locality: string;
  readonly logLevel: LogLevel;
  readonly logFormat: 'text' | 'json';
  /** null: standard error. */
  readonly logFile: string | null;
}

export interface DemoCommand {
  readonly kind: 'demo';
  readonly dataDir: string;
  readonly nodes: number;
  /** SQL on this port and the following ones, RPC 100 above, HTTP 200 above. */
  readonly basePort: number;
  readonly restart: boolean;
  readonly logLevel: LogLevel;
  /** Bound of a node's JavaScript heap, megabytes. */
  readonly heapMb: number;
}

export interface SqlCommand {
  readonly kind: 'sql';
  readonly url: string;
  /** Statements of `-c`, in order; empty: the shell, or standard input. */
  readonly commands: readonly string[];
}

export type Command =
  | StartCommand
  | DemoCommand
  | SqlCommand
  | { readonly kind: 'help'; readonly topic: string }
  | { readonly kind: 'version' };

export const DEFAULT_URL = 'postgresql://postgres@127.0.0.1:7432/postgres';
export const COMMANDS = ['demo', 'start', 'sql', 'help', 'version'] as const;

const DEMO_NODES_MAX = 9;
/** So that neither RPC (+100) nor HTTP (+200) ports leave the range of ports. */
const BASE_PORT_MAX = 65535 - 200 - DEMO_NODES_MAX;
const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** @throws UsageError */
export function parseCommand(args: readonly string[]): Command {
  const [name, ...rest] = args;
  switch (name) {
    case undefined:
    case '--help':
    case '-h':
      return { kind: 'help', topic: '' };
    case '--version':
    case '-v':
    case 'version':
      return { kind: 'version' };
    case 'help':
      return helpCommand(rest);
    case 'demo':
      return wantsHelp(rest) ? { kind: 'help', topic: 'demo' } : demoCommand(rest);
    case 'start':
      return wantsHelp(rest) ? { kind: 'help', topic: 'start' } : startCommand(rest);
    case 'sql':
      return wantsHelp(rest) ? { kind: 'help', topic: 'sql' } : sqlCommand(rest);
    default:
      throw new UsageError('', `unknown command "${name}"; the commands are ${COMMANDS.join(', ')}`);
  }
}

function wantsHelp(args: readonly string[]): boolean {
  return args[0] === '--help' || args[0] === '-h';
}

function helpCommand(args: readonly string[]): Command {
  const topic = args[0] ?? '';
  if (topic !== '' && !(COMMANDS as readonly string[]).includes(topic)) {
    throw new UsageError('', `there is no help on "${topic}"; the commands are ${COMMANDS.join(', ')}`);
  }
  return { kind: 'help', topic };
}

type Options = NonNullable<ParseArgsConfig['options']>;

/** @throws UsageError with parseArgs' own words, which name the option. */
function parse<T extends Options>(command: string, args: readonly string[], options: T, positionals = false) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: positionals });
  } catch (error) {
    if (error instanceof TypeError && 'code' in error) throw new UsageError(command, error.message);
    throw error;
  }
}

function startCommand(args: readonly string[]): StartCommand {
  const { values } = parse('start', args, {
    'data-dir': { type: 'string' },
    storage: { type: 'string' },
    'sql-addr': { type: 'string' },
    'rpc-addr': { type: 'string' },
    'http-addr': { type: 'string' },
    join: { type: 'string' },
    'rpc-via': { type: 'string' },
    locality: { type: 'string' },
    'log-level': { type: 'string' },
    'log-format': { type: 'string' },
    'log-file': { type: 'string' },
  });
  const rpcAddress = address('start', 'rpc-addr', values['rpc-addr'] ?? '127.0.0.1:7532');
  const httpText = values['http-addr'] ?? '127.0.0.1:7632';
  const join = joinList(values.join);
  if (join.length > 0 && !join.includes(rpcAddress)) {
    throw new UsageError(
      'start',
      `--join must list this node's own --rpc-addr ${rpcAddress} too; it is ${join.join(',')}`,
    );
  }
  return {
    kind: 'start',
    dataDir: nonEmpty('start', 'data-dir', values['data-dir'] ?? './quoral-data/node1'),
    storage: oneOf('start', 'storage', values.storage ?? 'rocksdb', ['rocksdb', 'memory'] as const),
    sqlAddress: address('start', 'sql-addr', values['sql-addr'] ?? '127.0.0.1:7432'),
    rpcAddress,
    httpAddress: httpText === 'off' ? null : address('start', 'http-addr', httpText),
    join,
    rpcVia: rpcVia(values['rpc-via']),
    locality: locality(values.locality ?? ''),
    logLevel: oneOf('start', 'log-level', values['log-level'] ?? 'info', LOG_LEVELS),
    logFormat: oneOf('start', 'log-format', values['log-format'] ?? 'text', ['text', 'json'] as const),
    logFile: values['log-file'] === undefined ? null : nonEmpty('start', 'log-file', values['log-file']),
  };
}

function demoCommand(args: readonly string[]): DemoCommand {
  const { values } = parse('demo', args, {
    'data-dir': { type: 'string' },
    nodes: { type: 'string' },
    'base-port': { type: 'string' },
    'no-restart': { type: 'boolean' },
    'log-level': { type: 'string' },
    'heap-mb': { type: 'string' },
  });
  return {
    kind: 'demo',
    dataDir: nonEmpty('demo', 'data-dir', values['data-dir'] ?? './quoral-data'),
    nodes: integer('demo', 'nodes', values.nodes ?? '3', 1, DEMO_NODES_MAX),
    basePort: integer('demo', 'base-port', values['base-port'] ?? '7432', 1, BASE_PORT_MAX),
    restart: values['no-restart'] !== true,
    logLevel: oneOf('demo', 'log-level', values['log-level'] ?? 'info', LOG_LEVELS),
    heapMb: integer('demo', 'heap-mb', values['heap-mb'] ?? '400', 128, 65_536),
  };
}

function sqlCommand(args: readonly string[]): SqlCommand {
  const { values, positionals } = parse('sql', args, { command: { type: 'string', short: 'c', multiple: true } }, true);
  if (positionals.length > 1) throw new UsageError('sql', `one URL at most, not ${positionals.length}`);
  return { kind: 'sql', url: positionals[0] ?? DEFAULT_URL, commands: values.command ?? [] };
}

function nonEmpty(command: string, option: string, value: string): string {
  if (value === '') throw new UsageError(command, `--${option} must not be empty`);
  return value;
}

function address(command: string, option: string, value: string): string {
  try {
    parseAddress(value);
  } catch (error) {
    if (!(error instanceof QuoralError)) throw error;
    throw new UsageError(command, `--${option}: ${error.message}; an address is written host:port`);
  }
  return value;
}

function joinList(value: string | undefined): readonly string[] {
  if (value === undefined || value === '') return [];
  const list = value.split(',').map((text) => address('start', 'join', text.trim()));
  if (new Set(list).size !== list.length) throw new UsageError('start', `--join names an address twice: ${value}`);
  return list;
}

/** `host:port=host:port,…`: a node's address as the cluster knows it, and where this node reaches it. */
function rpcVia(value: string | undefined): ReadonlyMap<string, string> {
  const via = new Map<string, string>();
  for (const text of value === undefined || value === '' ? [] : value.split(',')) {
    const [to, through, rest] = text.trim().split('=');
    if (to === undefined || through === undefined || rest !== undefined) {
      throw new UsageError('start', `--rpc-via: "${text}" is not host:port=host:port`);
    }
    address('start', 'rpc-via', to);
    if (via.has(to)) throw new UsageError('start', `--rpc-via names ${to} twice`);
    via.set(to, address('start', 'rpc-via', through));
  }
  return via;
}

/** `region=eu,zone=a`: from the widest failure domain to the narrowest. */
function locality(value: string): string {
  const keys = new Set<string>();
  for (const tier of value === '' ? [] : value.split(',')) {
    const match = /^([a-z][a-z0-9_-]*)=([A-Za-z0-9._-]+)$/.exec(tier);
    if (match === null) {
      throw new UsageError('start', `--locality: "${tier}" is not key=value (for example region=eu,zone=a,host=h1)`);
    }
    const key = match[1] as string;
    if (keys.has(key)) throw new UsageError('start', `--locality names ${key} twice`);
    keys.add(key);
  }
  return value;
}

function integer(command: string, option: string, value: string, min: number, max: number): number {
  const number = /^\d{1,6}$/.test(value) ? Number(value) : NaN;
  if (!(number >= min && number <= max)) {
    throw new UsageError(command, `--${option} must be a whole number from ${min} to ${max}, not "${value}"`);
  }
  return number;
}

function oneOf<T extends string>(command: string, option: string, value: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined)
    throw new UsageError(command, `--${option} must be one of ${choices.join(', ')}, not "${value}"`);
  return found;
}
