/** The text of a statement of a body in standard SQL, from the tree that the routine keeps (view-definition.ts). */
import type { Node } from 'libpg-query';
import type { CatalogSnapshot, PlannerSettings, Relation } from '../contract.js';
import { as } from './ast.js';
import { bindSelect } from './bind-select.js';
import { Binder } from './binder.js';
import { type ArgumentTexts, type CatalogNames, QueryText } from './deparse-query.js';
import { laidOut } from './layout.js';
import { QueryNotes } from './query-notes.js';
import type { VariableNames } from './variables.js';

export interface BodyParts {
  /** What the statement reads, by id. */
  readonly sources: ReadonlyMap<number, Relation>;
  readonly variables: VariableNames;
  readonly parameterOids: readonly number[];
  readonly texts: ArgumentTexts;
}

export interface BodyStatement {
  readonly tree: string;
  /** It was written as RETURN. */
  readonly returns: boolean;
  /** It is all of the body, which is one line then. */
  readonly alone: boolean;
}

/** Without a semicolon. */
export function bodyStatementText(
  { tree, returns, alone }: BodyStatement,
  { sources, variables, parameterOids, texts }: BodyParts,
  snapshot: CatalogSnapshot,
  settings: PlannerSettings,
  names: CatalogNames,
): string {
  variables.begin();
  const binder = new Binder(snapshot, settings, parameterOids, null, variables, new QueryNotes());
  binder.knowRoutines(variables.pinned?.usedRoutines ?? []);
  binder.knowTypes(variables.pinned?.usedTypes ?? []);
  for (const [id, source] of sources) binder.pinned.set(id, source);
  const select = as(JSON.parse(tree) as Node, 'SelectStmt')!;
  bindSelect(binder, select, null, []);
  const text = new QueryText(binder, names, settings.format, { pretty: false, wrap: 0 });
  text.arguments = texts;
  text.returns = returns;
  text.lines.flat = alone;
  text.lines.indent = alone ? 0 : 1;
  return laidOut(text.query(select, { names: null, visible: false, types: null }));
}
