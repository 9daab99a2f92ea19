import { describe, expect, it } from 'vitest';
import { parseCommand } from '../../src/cli/arguments.js';
import { demoNodes } from '../../src/cli/demo.js';
import { UsageError } from '../../src/cli/exit.js';
import { helpText } from '../../src/cli/help.js';

function refusal(...args: string[]): string {
  try {
    parseCommand(args);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error(`accepted: ${args.join(' ')}`);
}

describe('arguments', () => {
  it('have the defaults that the README promises', () => {
    expect(parseCommand(['demo'])).toEqual({
      kind: 'demo',
      dataDir: './quoral-data',
      nodes: 3,
      basePort: 7432,
      restart: true,
      logLevel: 'info',
      heapMb: 400,
    });
    expect(parseCommand(['start'])).toEqual({
      kind: 'start',
      dataDir: './quoral-data/node1',
      storage: 'rocksdb',
      sqlAddress: '127.0.0.1:7432',
      rpcAddress: '127.0.0.1:7532',
      httpAddress: '127.0.0.1:7632',
      join: [],
      rpcVia: new Map(),
      locality: '',
      logLevel: 'info',
      logFormat: 'text',
      logFile: null,
    });
    expect(parseCommand(['sql'])).toEqual({
      kind: 'sql',
      url: 'postgresql://postgres@127.0.0.1:7432/postgres',
      commands: [],
    });
  });

  it('take every option of start', () => {
    const line =
      '--data-dir d --storage memory --sql-addr [::1]:1 --rpc-addr h:2 --http-addr off --join a:1,h:2 --rpc-via a:1=127.0.0.1:9 --locality region=eu,zone=a --log-level debug --log-format json --log-file f';
    expect(parseCommand(['start', ...line.split(' ')])).toEqual({
      kind: 'start',
      dataDir: 'd',
      storage: 'memory',
      sqlAddress: '[::1]:1',
      rpcAddress: 'h:2',
      httpAddress: null,
      join: ['a:1', 'h:2'],
      rpcVia: new Map([['a:1', '127.0.0.1:9']]),
      locality: 'region=eu,zone=a',
      logLevel: 'debug',
      logFormat: 'json',
      logFile: 'f',
    });
  });

  it('refuse what makes no sense and name the option', () => {
    expect(refusal('serve')).toContain('"serve"');
    expect(refusal('start', '--sql-addr', '7432')).toContain('--sql-addr');
    expect(refusal('start', '--sql-addr', 'h:70000')).toContain('--sql-addr');
    expect(refusal('start', '--port', '1')).toContain('--port');
    expect(refusal('start', 'extra')).toContain('extra');
    expect(refusal('start', '--join', 'a:1,b:2')).toContain('127.0.0.1:7532');
    expect(refusal('start', '--rpc-addr', 'a:1', '--join', 'a:1,a:1')).toContain('twice');
    expect(refusal('start', '--rpc-via', 'a:1')).toContain('host:port=host:port');
    expect(refusal('start', '--rpc-via', 'a:1=b:2,a:1=b:3')).toContain('twice');
    expect(refusal('start', '--locality', 'eu')).toContain('key=value');
    expect(refusal('start', '--locality', 'zone=a,zone=b')).toContain('zone twice');
    expect(refusal('start', '--log-level', 'loud')).toContain('debug, info, warn, error');
    expect(refusal('start', '--data-dir', '')).toContain('--data-dir');
    expect(refusal('demo', '--nodes', '0')).toContain('--nodes');
    expect(refusal('demo', '--nodes', '3.5')).toContain('--nodes');
    expect(refusal('demo', '--base-port', '65500')).toContain('--base-port');
    expect(refusal('sql', 'a', 'b')).toContain('one URL');
    expect(refusal('help', 'me')).toContain('"me"');
  });

  it('answer --help anywhere it is asked first', () => {
    expect(parseCommand([])).toEqual({ kind: 'help', topic: '' });
    expect(parseCommand(['start', '--help'])).toEqual({ kind: 'help', topic: 'start' });
    expect(parseCommand(['--version'])).toEqual({ kind: 'version' });
  });

  it('are all in the help, and the help names no others', () => {
    const values: Record<string, string> = {
      '--join': '127.0.0.1:7532',
      '--rpc-via': '127.0.0.1:7533=127.0.0.1:9',
      '--storage': 'memory',
      '--locality': 'a=b',
      '--nodes': '1',
      '--base-port': '1',
      '--heap-mb': '500',
      '--log-level': 'warn',
      '--log-format': 'json',
    };
    for (const command of ['demo', 'start', 'sql']) {
      const flags = [...helpText(command).matchAll(/^\s+(?:-c, )?(--[a-z-]+)( [A-Z]+)?/gm)];
      expect(flags.length, command).toBeGreaterThan(0);
      for (const [, flag, value] of flags) {
        const args =
          value === undefined ? [flag as string] : [flag as string, values[flag as string] ?? '127.0.0.1:7532'];
        expect(parseCommand([command, ...args]).kind, `${command} ${args.join(' ')}`).toBe(command);
      }
    }
  });
});

describe('the demo', () => {
  it('gives each node its own ports, directory, log and failure domain, and all the same list', () => {
    const command = parseCommand(['demo', '--data-dir', '/d', '--base-port', '9000', '--nodes', '2']);
    if (command.kind !== 'demo') throw new Error('not a demo');
    const started = demoNodes(command).map((node) => parseCommand(node.args));
    expect(started).toMatchObject([
      {
        kind: 'start',
        dataDir: '/d/node1',
        sqlAddress: '127.0.0.1:9000',
        rpcAddress: '127.0.0.1:9100',
        httpAddress: '127.0.0.1:9200',
        join: ['127.0.0.1:9100', '127.0.0.1:9101'],
        locality: 'host=demo1',
        logFile: '/d/node1.log',
      },
      {
        kind: 'start',
        dataDir: '/d/node2',
        sqlAddress: '127.0.0.1:9001',
        rpcAddress: '127.0.0.1:9101',
        httpAddress: '127.0.0.1:9201',
        join: ['127.0.0.1:9100', '127.0.0.1:9101'],
        locality: 'host=demo2',
        logFile: '/d/node2.log',
      },
    ]);
  });
});
