/** One connection of an isolation test: a block of SQL at a time, and all that the server says of it, as lines. */
import pg from 'pg';

export interface StepOutcome {
  /** Errors, rows and notices in the order in which they came. */
  readonly lines: readonly string[];
  readonly sqlstate: string | null;
}

/** What these specifications take for granted. */
const SETTINGS = "SET default_transaction_isolation TO 'read committed'";

interface Field {
  readonly name: string;
}

/** What `pg` asks of a query that is none of its own. */
class Exchange {
  readonly lines: string[] = [];
  readonly done: Promise<StepOutcome>;
  readonly #sql: string;
  #resolve!: (outcome: StepOutcome) => void;
  /** Of the result that is coming; one that an error cuts short is not compared. */
  #head: string | null = null;
  #rows: string[] = [];
  #sqlstate: string | null = null;

  constructor(sql: string) {
    this.#sql = sql;
    this.done = new Promise((resolve) => (this.#resolve = resolve));
  }

  submit(connection: { query(sql: string): void }): void {
    connection.query(this.#sql);
  }

  handleRowDescription({ fields }: { fields: readonly Field[] }): void {
    this.#head = fields.map(({ name }) => name).join('|');
  }

  handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
    this.#rows.push(`  ${fields.map((value) => value ?? '').join('|')}`);
  }

  /** Rows come in an order that no server promises without ORDER BY. */
  handleCommandComplete(): void {
    const ordered = /\border\s+by\b/i.test(this.#sql);
    if (this.#head !== null) this.lines.push(this.#head, ...(ordered ? this.#rows : this.#rows.sort()));
    this.#head = null;
    this.#rows = [];
  }

  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}

  handleError(error: Error & { code?: string }): void {
    this.#sqlstate = error.code ?? '08006';
    this.lines.push(`ERROR ${this.#sqlstate}: ${error.message}`);
    // Of a query that has failed `pg` says no more, also not that the server is ready.
    this.#end();
  }

  handleReadyForQuery(): void {
    this.#end();
  }

  #end(): void {
    this.#resolve({ lines: this.lines, sqlstate: this.#sqlstate });
  }
}

export class Session {
  readonly name: string;
  readonly #client: pg.Client;
  #current: Exchange | null = null;
  pid = 0;
  notices = 0;

  private constructor(name: string, client: pg.Client) {
    this.name = name;
    this.#client = client;
  }

  static async connect(name: string, url: string, application: string): Promise<Session> {
    const client = new pg.Client({ connectionString: url, application_name: application });
    client.on('error', () => undefined);
    const session = new Session(name, client);
    client.on('notice', ({ severity, message }) => {
      session.notices++;
      session.#current?.lines.push(`${name}: ${severity}:  ${message}`);
    });
    client.on('notification', ({ channel, payload }) =>
      session.#current?.lines.push(`${name}: NOTIFY "${channel}" with payload "${payload}"`),
    );
    await client.connect();
    await client.query(SETTINGS);
    session.pid = Number((await client.query('SELECT pg_backend_pid() AS pid')).rows[0].pid);
    return session;
  }

  async run(sql: string): Promise<StepOutcome> {
    const exchange = new Exchange(sql);
    this.#current = exchange;
    // Its types know queries of its own only.
    (this.#client.query as (query: unknown) => unknown)(exchange);
    const outcome = await exchange.done;
    this.#current = null;
    return outcome;
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => undefined);
  }
}
