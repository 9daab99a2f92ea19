/**
 * Who uses a sequence: the columns that own it (serial, identity, ALTER SEQUENCE … OWNED BY) and the defaults that read
 * it. A default names its sequence in its text, as nextval('16384'::regclass).
 *
 * Views that read it have it among their sources (pinned-relations.ts); functions whose parameters' defaults or bodies
 * (routine-reads.ts) do, among what they read. Limit: those are not seen when a sequence goes with the column that owns it.
 */
import type {
  ColumnDescriptor,
  SequenceDescriptor,
  TableDescriptor,
  ViewColumnDescriptor,
  ViewDescriptor,
} from '../catalog/descriptor.js';
import { kindName } from '../catalog/materialized.js';
import { nextvalSql } from './columns.js';
import type { DdlContext } from './context.js';
import { nextVersion, visibleName } from './objects.js';
import { dropSequence } from './sequences.js';
import { quoteIdentifier } from '../types/identifiers.js';
import { dependentViews } from './dependent-views.js';
import type { DependentLine } from './routines.js';
import { dependences, dependsError, dropLockedView } from './views.js';
import type { DropOptions } from './views.js';

/** Those of a table, or of one of its columns, as they are now. */
export async function ownedSequences(
  ctx: DdlContext,
  table: TableDescriptor,
  columnId: number | null = null,
): Promise<SequenceDescriptor[]> {
  const { descriptors } = await ctx.catalog.view([]);
  const ids = descriptors.flatMap((d) => {
    const owner = d.kind === 'sequence' ? d.ownedBy : null;
    return owner?.tableId === table.id && (columnId === null || owner.columnId === columnId) ? [d.id] : [];
  });
  await ctx.catalog.lock(ctx.txn, ids, ctx.wait);
  const found: SequenceDescriptor[] = [];
  for (const id of ids) {
    const current = await ctx.catalog.forUpdate(ctx.txn, id);
    if (current?.kind === 'sequence' && current.ownedBy?.tableId === table.id) found.push(current);
  }
  return found;
}

/** With a table (`column` null) or a column, whose own defaults, and those of tables that go too, are no matter. */
export async function dropOwnedSequences(
  ctx: DdlContext,
  table: TableDescriptor,
  column: ColumnDescriptor | null,
  cascade: boolean,
  together: ReadonlySet<number> = new Set(),
): Promise<void> {
  const what = column === null ? `table ${table.name}` : `column ${column.name} of table ${table.name}`;
  for (const sequence of await ownedSequences(ctx, table, column?.id ?? null)) {
    const isGoing = (id: number): boolean => id === table.id || together.has(id);
    await releaseUsers(ctx, sequence, { cascade, together }, { what, isGoing });
    await dropSequence(ctx, sequence);
  }
}

/**
 * A call that names its sequence once and for all, by its oid, or in what was stored by earlier versions by its name;
 * nextval('q'::text) looks it up when it runs.
 */
const CALL = /\bnextval\('((?:[^']|'')+)'(?:::(?:pg_catalog\.)?regclass)?\)|'(\d+)'::regclass\b/gi;

/** The names of sequences in the text of a default, each as its parts. */
function namesIn(sql: string): { readonly call: string; readonly parts: readonly string[] }[] {
  return Array.from(sql.matchAll(CALL), ([call, text, oid]) => ({
    call,
    parts: Array.from(
      (text ?? oid!).replaceAll("''", "'").matchAll(/"((?:[^"]|"")+)"|([^".]+)/g),
      ([, quoted, plain]) => (quoted === undefined ? plain!.toLowerCase() : quoted.replaceAll('""', '"')),
    ),
  }));
}

/** Which calls in the default read the sequence; a name without a schema is looked up in the search path. */
function callsOf(ctx: DdlContext, sql: string, sequence: SequenceDescriptor, schemaName: string): string[] {
  return namesIn(sql)
    .filter(({ parts }) => {
      if (parts.length === 1 && parts[0] === String(sequence.id)) return true;
      if (parts.at(-1) !== sequence.name) return false;
      const schema = parts.at(-2);
      return schema === undefined
        ? schemaName === 'public' || ctx.session.searchPath.includes(schemaName)
        : schema === schemaName;
    })
    .map(({ call }) => call);
}

async function schemaNameOf(ctx: DdlContext, sequence: SequenceDescriptor): Promise<string> {
  const schema = await ctx.catalog.descriptor(sequence.schemaId, ctx.wait);
  return schema?.kind === 'schema' ? schema.name : 'public';
}

/**
 * Changes the defaults that read the sequence, of tables and views; `change` gets the calls that read it and gives the
 * new default, or undefined for the one that there is.
 */
async function changeDefaults(
  ctx: DdlContext,
  sequence: SequenceDescriptor,
  change: (
    of: TableDescriptor | ViewDescriptor,
    column: { readonly name: string; readonly defaultSql: string },
    calls: readonly string[],
  ) => string | null | undefined,
): Promise<void> {
  const schemaName = await schemaNameOf(ctx, sequence);
  const reads = (sql: string | null | undefined): readonly string[] =>
    sql == null ? [] : callsOf(ctx, sql, sequence, schemaName);
  const renewed = <C extends ColumnDescriptor | ViewColumnDescriptor>(
    of: TableDescriptor | ViewDescriptor,
    column: C,
  ): C => {
    const { name, defaultSql } = column;
    const calls = 'dropped' in column && column.dropped ? [] : reads(defaultSql);
    const sql = calls.length === 0 ? undefined : change(of, { name, defaultSql: defaultSql! }, calls);
    if (sql === undefined) return column;
    return { ...column, defaultSql: sql, ...(sql === null && 'sequenceId' in column ? { sequenceId: null } : {}) };
  };
  const { descriptors } = await ctx.catalog.view([]);
  const ids = descriptors.flatMap((d) =>
    (d.kind === 'table' || d.kind === 'view') && d.columns.some((c) => reads(c.defaultSql).length > 0) ? [d.id] : [],
  );
  await ctx.catalog.lock(ctx.txn, ids, ctx.wait);
  for (const id of ids) {
    const found = await ctx.catalog.forUpdate(ctx.txn, id);
    if (found?.kind === 'table') {
      const columns = found.columns.map((column) => renewed(found, column));
      if (columns.some((column, i) => column !== found.columns[i]))
        ctx.catalog.put(ctx.txn, nextVersion(found, { columns }));
    } else if (found?.kind === 'view') {
      const columns = found.columns.map((column) => renewed(found, column));
      if (columns.some((column, i) => column !== found.columns[i]))
        ctx.catalog.put(ctx.txn, { ...found, columns, version: found.version + 1 });
    }
  }
}

/** A table (or one of its columns) with which a sequence goes: its own defaults are no matter. */
interface GoingWith {
  readonly what: string;
  isGoing(tableId: number): boolean;
}

/**
 * Before a sequence is dropped: with CASCADE the defaults and views go that read it, else it is refused.
 * @throws QuoralError 2BP01
 */
export async function releaseUsers(
  ctx: DdlContext,
  sequence: SequenceDescriptor,
  options: DropOptions,
  goingWith: GoingWith | null = null,
  /** Functions that read it, where that is refused. */
  readers: readonly DependentLine[] = [],
): Promise<void> {
  const functions = readers.map(({ oid, line }) => ({ id: oid, told: line }));
  const read: { readonly of: TableDescriptor | ViewDescriptor; readonly name: string }[] = [];
  await changeDefaults(ctx, sequence, (of, { name }) => {
    if (goingWith?.isGoing(of.id) === true) return undefined;
    read.push({ of, name });
    return null;
  });
  const defaults = await defaultLines(ctx, read);
  const views = (await dependentViews(ctx, sequence.id)).filter(({ id }) => !options.together.has(id));
  // As they were made.
  const users = [...defaults, ...views, ...functions].sort((a, b) => a.id - b.id);
  if (users.length === 0) return;
  if (!options.cascade) {
    const shown = `sequence ${await shownSequence(ctx, sequence)}`;
    const lines: string[] = [];
    for (const user of users) {
      if ('told' in user) lines.push(user.told);
      else if ('line' in user) lines.push(`${user.line} depends on ${shown}`);
      else lines.push(...(await dependences(ctx, shown, [user], options)));
    }
    throw dependsError(goingWith?.what ?? shown, lines);
  }
  await ctx.catalog.lock(
    ctx.txn,
    views.map(({ id }) => id),
    ctx.wait,
  );
  for (const user of users) {
    if ('line' in user) ctx.cascades.push(user.line);
    else if (!('told' in user)) await dropLockedView(ctx, user.id, options);
  }
}

async function defaultLines(
  ctx: DdlContext,
  read: readonly { readonly of: TableDescriptor | ViewDescriptor; readonly name: string }[],
): Promise<{ readonly id: number; readonly line: string }[]> {
  const lines: { readonly id: number; readonly line: string }[] = [];
  for (const { of, name } of read) {
    const relation = `${kindName(of)} ${await visibleName(ctx, of)}`;
    lines.push({ id: of.id, line: `default value for column ${name} of ${relation}` });
  }
  return lines;
}

/** What reads it in the defaults of others than those that go with it, as messages name it. */
export async function defaultReaders(
  ctx: DdlContext,
  sequence: SequenceDescriptor,
  together: ReadonlySet<number>,
): Promise<string[]> {
  const schemaName = await schemaNameOf(ctx, sequence);
  const reads = (sql: string | null | undefined): boolean =>
    sql != null && callsOf(ctx, sql, sequence, schemaName).length > 0;
  const { descriptors } = await ctx.catalog.view([]);
  const read: { readonly of: TableDescriptor | ViewDescriptor; readonly name: string }[] = [];
  for (const of of descriptors) {
    if ((of.kind !== 'table' && of.kind !== 'view') || together.has(of.id)) continue;
    for (const column of of.columns)
      if (!('dropped' in column && column.dropped) && reads(column.defaultSql)) read.push({ of, name: column.name });
  }
  const shown = `sequence ${await shownSequence(ctx, sequence)}`;
  return (await defaultLines(ctx, read)).map(({ line }) => `${line} depends on ${shown}`);
}

async function shownSequence(ctx: DdlContext, sequence: SequenceDescriptor): Promise<string> {
  const schemaName = await schemaNameOf(ctx, sequence);
  const own = quoteIdentifier(sequence.name);
  return ctx.session.searchPath.includes(schemaName) ? own : `${quoteIdentifier(schemaName)}.${own}`;
}

/** Defaults that name a sequence go on reading it when it gets a new name. */
export async function renameInDefaults(ctx: DdlContext, sequence: SequenceDescriptor): Promise<void> {
  await changeDefaults(ctx, sequence, (_of, { defaultSql }, calls) =>
    calls
      .filter((call) => !call.startsWith("'"))
      .reduce((sql, call) => sql.replaceAll(call, () => nextvalSql(sequence.id)), defaultSql),
  );
}
