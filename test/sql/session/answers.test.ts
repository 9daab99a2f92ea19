/** Whole sessions, with transactions, schema changes and settings, answered as by PostgreSQL (test/scripts/session). */
import { describe } from 'vitest';
import { answerScripts, errorText, rowsText } from '../support/answers.js';
import { Client, startServer } from '../support/server.js';

async function ours(c: Client, statement: string): Promise<string> {
  let text: string;
  try {
    const [result] = await c.all(statement);
    text = result!.columns.length === 0 ? result!.tag : rowsText(statement, result!.columns, result!.rows);
  } catch (error) {
    text = errorText(error);
  }
  return [...c.notices, text].join('\n');
}

/** With a setting that is there for all statements of the scripts; `cold`: on a node that has met nothing of the catalog before each. */
function scriptsWith(mode: string, cold = false): void {
  answerScripts(new URL('../../scripts/session/', import.meta.url), {
    open: async () => {
      const server = await startServer();
      const c = await Client.open(server);
      await ours(c, `SET plan_cache_mode = ${mode}`);
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
    // What a kept plan's names mean is looked at again where anything has changed, PostgreSQL's as well.
    except: cold ? ['kept-names.sql'] : [],
  });
}

describe('sessions are answered as by PostgreSQL', () => {
  scriptsWith('auto');
});

describe('sessions are answered alike with literals lifted out of every statement', () => {
  scriptsWith('force_generic_plan');
});

describe('sessions are answered alike by a node that has met nothing of the catalog yet', () => {
  scriptsWith('auto', true);
});
