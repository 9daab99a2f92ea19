/** The texts of views' queries and of stored expressions, with what the session sees of the catalog. */
import { QuoralError } from '../../base/errors.js';
import type { Routine, UsedRoutine, ViewDescriptor } from '../catalog/descriptor.js';
import type { CatalogView } from '../catalog/transaction-catalog.js';
import { virtualRelation } from '../catalog/virtual/registry.js';
import type { CatalogSnapshot, PlannerSettings, Relation, SessionServices, StoredColumn } from '../contract.js';
import type { CatalogNames, QueryStyle } from '../plan/deparse-query.js';
import { namedRelations, withoutRelations } from '../functions/shown-sql.js';
import { bodyStatementText } from '../plan/body-definition.js';
import { inputsOf } from '../plan/routines.js';
import { ArgumentNames, sqlStatements } from '../plpgsql/sql-body.js';
import { showExpression } from '../plan/show-expression.js';
import { viewDefinition } from '../plan/view-definition.js';
import { userCollationOid } from '../types/collation.js';
import { showTypes } from '../types/pinned-types.js';
import { quoteIdentifier } from '../types/identifiers.js';
import { catalogOidOf, formatType } from '../types/registry.js';
import { isHandle } from '../types/user-types.js';
import type { FormatContext, NameResolver } from '../types/type-info.js';

export function viewText(
  view: ViewDescriptor,
  style: QueryStyle,
  services: SessionServices,
  format: FormatContext,
): string {
  const settings = settingsOf(services, format);
  const parts = { view, sources: sourcesOf(view, services) };
  return viewDefinition(parts, snapshotOf(services), settings, catalogNames(services), style);
}

/** A body in standard SQL that is kept as trees. */
export function bodyText(name: string, routine: Routine, services: SessionServices, format: FormatContext): string {
  const { trees = [], body } = routine;
  const inputs = inputsOf(routine);
  const parameterOids = inputs.map((p) => p.typeOid);
  const parts = {
    sources: sourcesOf({ sources: routine.sources ?? [] }, services),
    variables: new ArgumentNames(name, routine, parameterOids),
    parameterOids,
    texts: { name, names: inputs.map((p) => p.name) },
  };
  const written = sqlStatements(body);
  const alone = /^\s*return\b/i.test(body);
  const texts = trees.map((tree, i) => {
    const returns = alone || /^\s*return\b/i.test(body.slice(written[i]?.textOffset ?? body.length));
    const settings = settingsOf(services, format);
    return bodyStatementText({ tree, returns, alone }, parts, snapshotOf(services), settings, catalogNames(services));
  });
  if (alone) return texts[0] ?? '';
  return ['BEGIN ATOMIC', ...texts.map((text) => `${text};`), 'END'].join('\n');
}

/** Everything but catalog relations is named by its oid in what is stored. */
function snapshotOf({ database, searchPath }: SessionServices): CatalogSnapshot {
  return {
    database,
    searchPath,
    relation: (name) => (name.isType === true ? null : virtualRelation(name.schema ?? 'pg_catalog', name.name)),
    type: () => null,
    routines: () => [],
  };
}

function settingsOf(services: SessionServices, format: FormatContext): PlannerSettings {
  const pinned = (oid: number): UsedRoutine | null => {
    const found = services.routineByOid?.(oid) ?? null;
    return found === null ? null : { groupId: found.group.id, name: found.group.name, routine: found.routine };
  };
  const { database, user } = services;
  return { format, user, database, userRoutines: { named: () => [], pinned } };
}

/** A name that a value in an expression was looked up by, or shown by. */
interface Asked {
  readonly method: keyof NameResolver;
  readonly args: readonly unknown[];
  readonly answer: unknown;
}

interface Shown {
  readonly text: string;
  /** The catalog that names in it were last looked up in; null: in none. */
  view: CatalogView | null;
  /** All that was looked up; null: not all of that is known. */
  readonly asked: readonly Asked[] | null;
}

/** What was looked up while a text was made, of what the catalog may come to call by another name. */
class Notes {
  /** Of the names of values: sequences, mostly. */
  readonly asked: Asked[] = [];
  /** Oids by the names that were given for them: as long as they have these names, the names have these oids. */
  readonly given = new Map<string, number>();
  others = false;
  /** Columns are named. */
  columns = false;
}

interface Wanted {
  readonly sql: string;
  readonly columns: readonly StoredColumn[];
  readonly pretty: boolean;
  readonly services: SessionServices;
  readonly format: FormatContext;
}

/** By the columns of a table as it is (an array that is the same for as long as the table is). */
const shownOf = new WeakMap<readonly StoredColumn[], Map<string, Map<string, Shown>>>();

/** What of the session's settings a text depends on. */
class Style {
  readonly key: string;
  readonly #parts: readonly unknown[];

  constructor(parts: readonly unknown[]) {
    this.#parts = parts;
    this.key = parts.join('\0');
  }
  is(parts: readonly unknown[]): boolean {
    return parts.every((part, at) => part === this.#parts[at]);
  }
}
/** Texts are asked for by the thousand, and mostly in one style. */
let lastStyle = new Style([]);

function styleKey(pretty: boolean, format: FormatContext, temporarySchema: number | null | undefined): string {
  const { timeZone, dateStyle, intervalStyle, byteaOutput, extraFloatDigits } = format;
  const parts = [pretty, timeZone, dateStyle, intervalStyle, byteaOutput, extraFloatDigits, temporarySchema];
  if (!lastStyle.is(parts)) lastStyle = new Style(parts);
  return lastStyle.key;
}

/**
 * As it is where it is no stored expression over these columns. `view`: what the services look names up in, null if
 * they do not look there. A tool asks for the expressions of all tables, and to make a text is to parse one and to bind it: texts
 * are kept for as long as nothing that they show has changed.
 */
export function expressionText(
  sql: string,
  columns: readonly StoredColumn[],
  pretty: boolean,
  services: SessionServices,
  format: FormatContext,
  view: CatalogView | null,
): string {
  const wanted: Wanted = { sql, columns, pretty, services, format };
  if (view === null) return makeText(wanted, new Notes());
  const key = styleKey(pretty, format, services.temporarySchema);
  let byStyle = shownOf.get(columns);
  if (byStyle === undefined) shownOf.set(columns, (byStyle = new Map()));
  let kept = byStyle.get(key);
  if (kept === undefined) {
    if (byStyle.size >= STYLES_MAX) byStyle.clear();
    byStyle.set(key, (kept = new Map()));
  }
  const known = kept.get(sql);
  if (known !== undefined && (known.view === null || known.view === view)) return known.text;
  if (known !== undefined && known.asked !== null && sameAnswers(known.asked, format.names)) {
    known.view = view;
    return known.text;
  }
  const notes = new Notes();
  const text = makeOrFindText(wanted, notes);
  if (kept.size >= SHOWN_MAX) kept.clear();
  const { asked, others } = notes;
  kept.set(sql, { text, view: others || asked.length > 0 ? view : null, asked: others ? null : asked });
  return text;
}

function sameAnswers(asked: readonly Asked[], names: NameResolver | undefined): boolean {
  for (const { method, args, answer } of asked) {
    const ask = names?.[method] as ((...args: readonly unknown[]) => unknown) | undefined;
    if (ask === undefined || ask.apply(names, args as unknown[]) !== answer) return false;
  }
  return true;
}

/** Texts kept of one table's expressions, in each style. */
const SHOWN_MAX = 500;
const STYLES_MAX = 8;

/**
 * Texts that are shown as they are stored, but for the names of relations, by style: most defaults of a schema are one of a
 * few (nextval, now(), 0), and the text of one is known when that of another was made.
 */
const shownAsStored = new Set<string>();

function makeOrFindText(wanted: Wanted, notes: Notes): string {
  const { sql, pretty, services, format } = wanted;
  const key = `${styleKey(pretty, format, services.temporarySchema)}\0${withoutRelations(sql)}`;
  if (shownAsStored.has(key)) return named(sql, services, notes);
  const text = makeText(wanted, notes);
  const depends = notes.others || notes.columns || notes.asked.some(({ method }) => method !== 'relationName');
  if (!depends && text === named(sql, services, new Notes())) {
    if (shownAsStored.size >= SHOWN_MAX) shownAsStored.clear();
    shownAsStored.add(key);
  }
  return text;
}

function named(sql: string, services: SessionServices, notes: Notes): string {
  return namedRelations(sql, (oid) => {
    const answer = services.relationName(oid);
    notes.asked.push({ method: 'relationName', args: [oid], answer });
    if (answer !== null) notes.given.set(answer, oid);
    return answer;
  });
}

function makeText({ sql, columns, pretty, services, format }: Wanted, notes: Notes): string {
  const { type, routine, collation } = notingNames(services, notes);
  const isValue = columns[0]?.isValue === true;
  const column = (_id: number, name: string): string => {
    notes.columns = true;
    return isValue ? 'VALUE' : quoteIdentifier(name);
  };
  const names = { type, routine, collation, pretty, column };
  const settings = notingSettings(settingsOf(services, format), notes);
  const text = named(sql, services, notes);
  try {
    return showExpression(text, columns, snapshotOf(services), settings, names);
  } catch (error) {
    if (!(error instanceof QuoralError)) throw error;
    notes.others = true;
    const nameOf = (oid: number): string | null =>
      services.typeName(oid) ?? services.routineName?.(oid, false, true) ?? services.collationName?.(oid) ?? null;
    return showTypes(text, nameOf);
  }
}

/** Of what is built in, the catalog has no other name. */
function notingNames(services: SessionServices, notes: Notes): Pick<CatalogNames, 'type' | 'routine' | 'collation'> {
  const { type, routine, collation } = catalogNames(services);
  return {
    type: (oid, typmod) => {
      if (isHandle(oid)) notes.others = true;
      return type(oid, typmod);
    },
    routine: (oid, name) => {
      if ((services.routineByOid?.(oid) ?? null) !== null) notes.others = true;
      return routine(oid, name);
    },
    // A collation of users may be renamed.
    collation: (oid) => {
      notes.others = true;
      return collation(oid);
    },
  };
}

function notingSettings(settings: PlannerSettings, notes: Notes): PlannerSettings {
  const { format, userRoutines } = settings;
  const names = format.names === undefined ? {} : { names: noting(format.names, notes) };
  const pinned = (oid: number): UsedRoutine | null => {
    const found = userRoutines?.pinned(oid) ?? null;
    if (found !== null) notes.others = true;
    return found;
  };
  return { ...settings, format: { ...format, ...names }, userRoutines: { named: () => [], pinned } };
}

/** Whatever is asked of it is noted. */
function noting(names: NameResolver, notes: Notes): NameResolver {
  return new Proxy(names, {
    get(target, property): unknown {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') {
        notes.others = true;
        return value;
      }
      return (...args: unknown[]): unknown => {
        const answer: unknown = value.apply(target, args);
        // An answer that is an object may be a new one each time.
        if (typeof answer === 'object' && answer !== null) notes.others = true;
        const isGiven = property === 'relationOid' && notes.given.get(args[0] as string) === answer;
        if (!isGiven) notes.asked.push({ method: property as keyof NameResolver, args, answer });
        return answer;
      };
    },
  });
}

function sourcesOf(view: Pick<ViewDescriptor, 'sources'>, services: SessionServices): ReadonlyMap<number, Relation> {
  const sources = new Map<number, Relation>();
  for (const { id } of view.sources) {
    const table = services.tableByOid(id);
    const inner = table === null ? services.viewByOid(id) : null;
    if (table !== null) sources.set(id, { kind: 'table', table, schemaName: schemaOf(table, services) });
    else if (inner === null) {
      const sequence = services.access?.descriptor(id);
      if (sequence?.kind === 'sequence')
        sources.set(id, { kind: 'sequence', sequence, schemaName: schemaOf(sequence, services) });
    } else
      sources.set(id, {
        kind: 'view',
        view: inner,
        schemaName: schemaOf(inner, services),
        sources: sourcesOf(inner, services),
      });
  }
  return sources;
}

function schemaOf({ schemaId }: { readonly schemaId: number }, services: SessionServices): string {
  return services.schemaNameOf(schemaId) ?? 'public';
}

function catalogNames(services: SessionServices): CatalogNames {
  return {
    relation: (oid) => services.relationName(oid) ?? String(oid),
    qualifiedRelation: (oid) => services.qualifiedRelationName?.(oid) ?? String(oid),
    type: (oid, typmod = null) =>
      (isHandle(oid) ? services.typeName(catalogOidOf(oid)) : null) ?? formatType(oid, typmod),
    routine: (oid, name) => {
      const found = services.routineByOid?.(oid) ?? null;
      // The arguments tell it from others of its name.
      if (found !== null && services.isVisibleRoutine?.(oid) === true) return quoteIdentifier(found.group.name);
      return services.routineName?.(oid, false, true) ?? quoteIdentifier(name);
    },
    collation: (key) => {
      const oid = userCollationOid(key);
      return (oid === null ? null : services.collationName?.(oid)) ?? quoteIdentifier(key);
    },
  };
}
