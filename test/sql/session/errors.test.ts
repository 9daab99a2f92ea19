/**
 * Statements that fail, in sessions, with every field of the errors and the rows before them, as PostgreSQL tells them
 * (test/scripts/errors). File, line and routine are not compared: they tell of a program's source.
 */
import { describe } from 'vitest';
import { QuoralError } from '../../../src/base/errors.js';
import { answerScripts, rowLines, rowsText, wholeText } from '../support/answers.js';
import { Client, CollectingSink, startServer } from '../support/server.js';

async function ours(c: Client, statement: string): Promise<string> {
  const sink = new CollectingSink(c.session);
  const text = await answer(c, sink, statement);
  const said = sink.notices.map((n) => wholeText(n.severity, n.sqlstate, n.message, n));
  return [...said, text].join('\n');
}

async function answer(c: Client, sink: CollectingSink, statement: string): Promise<string> {
  try {
    await c.session.simpleQuery(statement, sink);
    const [{ columns, rows, tag }] = sink.results as [{ columns: string[]; rows: (string | null)[][]; tag: string }];
    return columns.length === 0 ? tag : rowsText(statement, columns, rows);
  } catch (error) {
    if (!(error instanceof QuoralError)) throw error;
    return [...rowLines(sink.pending), wholeText(error.severity, error.sqlstate, error.message, error.fields)].join(
      '\n',
    );
  }
}

function scriptsWith(cold: boolean): void {
  answerScripts(new URL('../../scripts/errors/', import.meta.url), {
    open: async () => {
      const server = await startServer();
      const c = await Client.open(server);
      return (statement) => {
        if (cold) server.catalog.forgetAll();
        return ours(c, statement);
      };
    },
    oracle: (statement, { fields, rows, tag }) =>
      fields.length === 0
        ? tag
        : rowsText(
            statement,
            fields.map((f) => f.name),
            rows,
          ),
    notices: true,
    everything: true,
    // A node that has met a domain only as a column's type cannot say at once which schema it is in.
    except: cold ? ['domains.sql'] : [],
  });
}

describe('errors are told as by PostgreSQL', () => {
  scriptsWith(false);
});

describe('errors are told alike by a node that has met nothing of the catalog yet', () => {
  scriptsWith(true);
});
