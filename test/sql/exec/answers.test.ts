/** Statements answered as by PostgreSQL (test/scripts/sql): names and types of columns, rows, errors. */
import { beforeAll, describe } from 'vitest';
import { initParser } from '../../../src/sql/parse/parser.js';
import { answerScripts, errorText, rowsText } from '../support/answers.js';
import { Harness } from '../support/harness.js';

beforeAll(() => initParser());

/** The harness knows less of tags than a session does. */
function shortTag(tag: string): string {
  return tag.replace(/^CREATE .*/, 'CREATE').replace('INSERT 0', 'INSERT');
}

async function ours(h: Harness, statement: string): Promise<string> {
  try {
    const answer = await h.run(statement);
    if (answer.columns === null) return shortTag(answer.tag);
    return rowsText(
      statement,
      answer.columns.map((c) => `${c.name}:${c.typeOid}`),
      answer.rows,
    );
  } catch (error) {
    return errorText(error);
  }
}

describe('answers equal PostgreSQL’s', () => {
  answerScripts(new URL('../../scripts/sql/', import.meta.url), {
    open: async () => {
      const h = new Harness();
      return (statement) => ours(h, statement);
    },
    oracle: (statement, { fields, rows, tag }) =>
      fields.length === 0
        ? shortTag(tag)
        : rowsText(
            statement,
            fields.map((f) => `${f.name}:${f.dataTypeID}`),
            rows,
          ),
    notices: false,
  });
});
