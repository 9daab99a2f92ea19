/** What a seed stands for: a schema, its rows, and statements on them. */
import { Changes } from './changes.js';
import type { Piece } from './pieces.js';
import { Queries } from './queries.js';
import { Random } from './random.js';
import { aSchema } from './schema.js';

/** The statements in order; `count` of them after those that make the schema. */
export function statementsOf(seed: number, count: number): Piece[] {
  const random = new Random(seed);
  const schema = aSchema(random);
  const queries = new Queries(random, schema);
  const changes = new Changes(random, schema, queries);
  const statements = [...schema.statements];
  for (let i = 0; i < count; i++) statements.push(random.chance(0.7) ? queries.statement() : changes.statement());
  const end = changes.end();
  return end === null ? statements : [...statements, end];
}
