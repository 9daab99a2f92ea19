/**
 * `quoral sql`: a small shell. Statements go to the server one by one by the simple protocol and
 * their results are printed as they come. psql works as well and does far more; this one is there
 * where psql is not installed.
 */
import { createInterface, type Interface } from 'node:readline';
import { QuoralError } from '../base/errors.js';
import { NodeClock } from '../env/node/clock.js';
import { nodeTransport } from '../env/node/node-env.js';
import type { ServerFields } from '../pgwire/client-codec.js';
import type { SqlCommand } from './arguments.js';
import { EXIT_FAILURE, EXIT_OK } from './exit.js';
import { parseUrl, SqlClient } from './sql-client.js';
import { StatementSplitter } from './statement-splitter.js';
import { formatExpanded, formatTable, PAGE_ROWS, type TableColumn } from './table.js';

/** int2, int4, int8, oid, float4, float8, numeric, money: shown to the right. */
const NUMERIC_OIDS: ReadonlySet<number> = new Set([20, 21, 23, 26, 700, 701, 790, 1700]);

const SHELL_HELP = `  \\q        leave
  \\x        one column a line, or one row a line
  \\timing   show how long statements take
  \\?        this list
End a statement with a semicolon. Ctrl-C cancels the statement that runs, or forgets the input.
`;

/** Lines of standard input, and after `COPY … FROM STDIN` the data too. */
interface Lines {
  next(): Promise<string | null>;
}

export async function runSql(command: SqlCommand): Promise<number> {
  const url = parseUrl(command.url);
  const client = await SqlClient.connect(nodeTransport, url);
  const session = new ShellSession(client, url.database);
  const ok =
    command.commands.length > 0
      ? await session.runAll(command.commands)
      : await session.readStandardInput(process.stdin.isTTY === true);
  client.close();
  return ok ? EXIT_OK : EXIT_FAILURE;
}

class ShellSession {
  readonly #client: SqlClient;
  readonly #database: string;
  readonly #clock = new NodeClock();
  readonly #splitter = new StatementSplitter();
  #expanded = false;
  #timing = false;
  #running = false;
  #status = 'I';
  #lines: Lines = { next: async () => null };

  constructor(client: SqlClient, database: string) {
    this.#client = client;
    this.#database = database;
  }

  /** False if any failed; the first failure ends it. */
  async runAll(statements: readonly string[]): Promise<boolean> {
    for (const statement of statements) if (!(await this.#run(statement))) return false;
    return true;
  }

  /** False if a statement failed and nobody was there to see it. */
  async readStandardInput(interactive: boolean): Promise<boolean> {
    const reader = createInterface({
      input: process.stdin,
      terminal: interactive,
      ...(interactive ? { output: process.stdout } : {}),
    });
    if (interactive) await write(`Connected to ${this.#database}. \\? for help, \\q to leave.\n`);
    const lines = new LineQueue(reader);
    this.#lines = lines;
    reader.on('SIGINT', () => this.#interrupt(reader));
    let ok = true;
    for (;;) {
      if (interactive) this.#prompt(reader);
      const line = await lines.next();
      if (line === null) break;
      const meta = this.#splitter.isEmpty && line.trimStart().startsWith('\\') ? line.trim() : null;
      if (meta === '\\q') break;
      if (meta !== null) await this.#metaCommand(meta);
      else for (const statement of this.#splitter.push(line)) ok = (await this.#run(statement)) && ok;
    }
    const rest = this.#splitter.take();
    if (rest !== '' && !interactive) ok = (await this.#run(rest)) && ok;
    reader.close();
    return ok || interactive;
  }

  #prompt(reader: Interface): void {
    const open = this.#splitter.open;
    const transaction = this.#status === 'T' ? '*' : this.#status === 'E' ? '!' : '';
    reader.setPrompt(`${this.#database}${open === '' ? '=' : open}${transaction}> `);
    reader.prompt();
  }

  #interrupt(reader: Interface): void {
    if (this.#running) {
      this.#client.cancel().catch((error: unknown) => {
        process.stderr.write(`could not cancel: ${error instanceof Error ? error.message : String(error)}\n`);
      });
      return;
    }
    this.#splitter.take();
    process.stdout.write('\n');
    this.#prompt(reader);
  }

  async #metaCommand(command: string): Promise<void> {
    if (command === '\\x') {
      this.#expanded = !this.#expanded;
      await write(`Expanded display is ${this.#expanded ? 'on' : 'off'}.\n`);
    } else if (command === '\\timing') {
      this.#timing = !this.#timing;
      await write(`Timing is ${this.#timing ? 'on' : 'off'}.\n`);
    } else if (command === '\\?') {
      await write(SHELL_HELP);
    } else {
      await write(`There is no ${command.split(/\s/)[0] ?? ''} here (psql has it); \\? lists what there is.\n`);
    }
  }

  /** One Query message and all that answers it. False if the server reported an error. */
  async #run(statement: string): Promise<boolean> {
    const startedMs = this.#clock.monotonicMs();
    this.#running = true;
    try {
      this.#client.send((writer) => writer.query(statement));
      return await this.#answers(statement);
    } finally {
      this.#running = false;
      if (this.#timing) await write(`Time: ${(this.#clock.monotonicMs() - startedMs).toFixed(3)} ms\n`);
    }
  }

  async #answers(statement: string): Promise<boolean> {
    let ok = true;
    let page = new Page([], false);
    for (;;) {
      const message = await this.#client.receive();
      switch (message.kind) {
        case 'rowDescription':
          page = new Page(
            message.columns.map((column) => ({
              name: column.name,
              right: NUMERIC_OIDS.has(column.typeOid),
            })),
            this.#expanded,
          );
          break;
        case 'dataRow':
          await page.add(message.values.map((value) => (value === null ? null : value.toString('utf8'))));
          break;
        case 'commandComplete':
          await page.end(message.tag);
          page = new Page([], false);
          break;
        case 'copyIn':
          await this.#copyIn();
          break;
        case 'copyData':
          await write(message.data);
          break;
        case 'error':
          await page.flush();
          page = new Page([], false);
          process.stderr.write(formatServerError(message.fields, statement));
          ok = false;
          break;
        case 'notice':
          process.stderr.write(formatServerError(message.fields, statement));
          break;
        case 'notification': {
          const payload = message.payload === '' ? '' : ` with payload "${message.payload}"`;
          process.stdout.write(
            `Asynchronous notification "${message.channel}"${payload} received from server process with PID ${message.processId}.\n`,
          );
          break;
        }
        case 'readyForQuery':
          this.#status = message.status;
          return ok;
        default:
          break;
      }
    }
  }

  /** Sends the input's following lines until one that is `\.`, as psql does. */
  async #copyIn(): Promise<void> {
    for (let line = await this.#lines.next(); line !== null && line !== '\\.'; line = await this.#lines.next()) {
      const data = Buffer.from(`${line}\n`);
      this.#client.send((writer) => writer.copyData(data));
      await this.#client.writable();
    }
    this.#client.send((writer) => writer.copyDone());
  }
}

/** Rows of one result until they are printed. */
class Page {
  readonly #columns: readonly TableColumn[];
  readonly #expanded: boolean;
  #rows: (string | null)[][] = [];
  #printed = 0;
  #headed = false;

  constructor(columns: readonly TableColumn[], expanded: boolean) {
    this.#columns = columns;
    this.#expanded = expanded;
  }

  async add(row: (string | null)[]): Promise<void> {
    this.#rows.push(row);
    if (this.#rows.length >= PAGE_ROWS) await this.flush();
  }

  async flush(): Promise<void> {
    const rows = this.#rows;
    this.#rows = [];
    if (this.#columns.length > 0 && (rows.length > 0 || !this.#headed)) {
      const text = this.#expanded
        ? formatExpanded(this.#columns, rows, this.#printed + 1)
        : formatTable(this.#columns, rows, !this.#headed);
      await write(text);
    }
    this.#headed = true;
    this.#printed += rows.length;
  }

  async end(tag: string): Promise<void> {
    if (this.#columns.length === 0) {
      await write(`${tag}\n`);
      return;
    }
    await this.flush();
    await write(`(${this.#printed} row${this.#printed === 1 ? '' : 's'})\n`);
    if (!tag.startsWith('SELECT') && !/^(SHOW|EXPLAIN|VALUES|FETCH)/.test(tag)) await write(`${tag}\n`);
  }
}

/** Bridges readline's events to one line at a time, holding the input back meanwhile. */
class LineQueue implements Lines {
  readonly #waiting: string[] = [];
  readonly #reader: Interface;
  #closed = false;
  #wake: (() => void) | null = null;

  constructor(reader: Interface) {
    this.#reader = reader;
    reader.on('line', (line) => {
      this.#waiting.push(line);
      if (this.#waiting.length > 10_000) reader.pause();
      this.#wakeUp();
    });
    reader.on('close', () => {
      this.#closed = true;
      this.#wakeUp();
    });
  }

  async next(): Promise<string | null> {
    for (;;) {
      const line = this.#waiting.shift();
      if (line !== undefined) return line;
      if (this.#closed) return null;
      this.#reader.resume();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}

/** `ERROR:  42703: message`, the line of the statement with a caret, then detail and hint. */
export function formatServerError(fields: ServerFields, statement: string): string {
  const lines = [`${fields['S'] ?? 'ERROR'}:  ${fields['C'] ?? 'XX000'}: ${fields['M'] ?? ''}`];
  const position = Number(fields['P'] ?? NaN);
  if (position >= 1) lines.push(...positionLines(statement, position));
  if (fields['D'] !== undefined) lines.push(`DETAIL:  ${fields['D']}`);
  if (fields['H'] !== undefined) lines.push(`HINT:  ${fields['H']}`);
  return `${lines.join('\n')}\n`;
}

/** Positions count characters, not UTF-16 units. */
function positionLines(statement: string, position: number): string[] {
  const chars = Array.from(statement);
  const before = chars.slice(0, position - 1).join('');
  const line = before.split('\n').length;
  const column = Array.from(before.slice(before.lastIndexOf('\n') + 1)).length;
  const text = statement.split('\n')[line - 1] ?? '';
  const label = `LINE ${line}: `;
  return [label + text, `${' '.repeat(label.length + column)}^`];
}

function write(data: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(data, (error) => {
      if (error === undefined || error === null) resolve();
      else reject(new QuoralError('58030', `cannot write the result: ${error.message}`, { cause: error }));
    });
  });
}
