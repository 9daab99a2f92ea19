/** What a seed stands for: a schema, its rows, and statements on them. */
import { Changes } from './changes.js';
import { Collated } from './collated.js';
import { Definitions } from './definitions.js';
import { Features } from './features.js';
import { Nested } from './nested.js';
import { maybeLifted } from './parameters.js';
import { plain, type Piece } from './pieces.js';
import { Queries } from './queries.js';
import { Random } from './random.js';
import { aSchema } from './schema.js';
import { Relational } from './relational.js';
import { Stories } from './stories.js';
import { Sessions } from './sessions.js';

export const KINDS_OF_PROGRAMS = ['mixed', 'definitions'] as const;
export type KindOfProgram = (typeof KINDS_OF_PROGRAMS)[number];

export interface Program {
  readonly pieces: Piece[];
  /** What fails on one side only is to be taken back on the other. */
  readonly guarded: boolean;
}

/** The statements in order; `count` of them after those that make the schema. `languages`: with the orders of languages. */
export function programOf(seed: number, count: number, languages: boolean, kind: KindOfProgram | null): Program {
  if ((kind ?? (seed % 4 === 3 ? 'definitions' : 'mixed')) === 'mixed')
    return { pieces: mixed(seed, count, languages), guarded: false };
  return { pieces: new Definitions(new Random(seed)).program(count), guarded: true };
}

function mixed(seed: number, count: number, languages: boolean): Piece[] {
  const random = new Random(seed);
  const schema = aSchema(random);
  const queries = new Queries(random, schema);
  const changes = new Changes(random, schema, queries);
  const features = new Features(random, schema, queries);
  const sessions = new Sessions(random);
  const stories = new Stories(random);
  const relational = new Relational(random);
  const nested = new Nested(random);
  const collated = new Collated(random);
  // Every other program has the literals of its statements lifted out, the others hardly any.
  const mode = seed % 2 === 1 ? [plain('SET plan_cache_mode TO force_generic_plan')] : [];
  const statements = [...mode, ...schema.statements, ...relational.setup(), ...nested.setup()];
  if (languages) statements.push(...collated.setup());
  for (const end = statements.length + count; statements.length < end;) {
    // They have transactions of their own.
    if (!changes.isOpen && random.chance(0.03)) statements.push(...sessions.statements());
    if (!changes.isOpen && random.chance(0.03)) statements.push(...stories.statements());
    if (!changes.isOpen && random.chance(0.03)) statements.push(...nested.prepared());
    const kinds = random.weighted<{ statement(): Piece }>([
      [50, queries],
      [25, changes],
      [25, features],
      [30, relational],
      [30, nested],
      [languages ? 15 : 0, collated],
    ]);
    statements.push(...maybeLifted(random, kinds.statement(), `lifted${statements.length}`));
  }
  const end = changes.end();
  return end === null ? statements : [...statements, end];
}
