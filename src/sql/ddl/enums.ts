/**
 * CREATE TYPE … AS ENUM and ALTER TYPE … ADD VALUE, RENAME VALUE. A new label's order lies between those of its
 * neighbours, so that keys in indexes stay as they are; there is room for some fifty between the same two.
 */
import { sqlError } from '../../base/errors.js';
import type { Descriptor, Routine, TableDescriptor } from '../catalog/descriptor.js';
import { isReader, kindName, sourcesOf } from '../catalog/materialized.js';
import { PgArray } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { PINNED } from '../types/pinned-types.js';
import { catalogOidOf, typeByOid } from '../types/registry.js';
import { STORED_FORMAT } from '../types/stored-format.js';
import { type EnumLabel, type EnumType, typesWithin } from '../types/user-types.js';
import type { DdlContext } from './context.js';
import { notice } from './context.js';
import { quoteLiteral } from './deparse.js';
import { changeCallers } from './routine-users.js';
import { changeType, createType, requireType } from './user-types.js';
import type { OpenedType } from './user-types.js';
import { list, qualifiedName, stringOf, strings, text } from './tree.js';
import type { Loose } from './tree.js';

const LABEL_BYTES_MAX = 63;

export async function runCreateEnum(ctx: DdlContext, body: Loose): Promise<string> {
  const labels: EnumLabel[] = [];
  for (const label of list(body['vals']).map(stringOf)) {
    checkLabel(label);
    if (labels.some((one) => one.label === label)) {
      throw sqlError('42710', `enum label "${label}" used more than once`);
    }
    labels.push({ id: await ctx.catalog.catalog.ids.next(), order: labels.length + 1, label });
  }
  await createType(ctx, qualifiedName(strings(body['typeName'])), (named) => ({ kind: 'enum', ...named, labels }));
  return 'CREATE TYPE';
}

function checkLabel(label: string): void {
  if (Buffer.byteLength(label) <= LABEL_BYTES_MAX) return;
  throw sqlError('42602', `invalid enum label "${label}"`, {
    detail: `Labels must be ${LABEL_BYTES_MAX} bytes or less.`,
  });
}

export async function runAlterEnum(ctx: DdlContext, body: Loose): Promise<string> {
  const opened = await requireType(ctx, qualifiedName(strings(body['typeName'])));
  const { type } = opened;
  if (type.kind !== 'enum') throw sqlError('42809', `${type.name} is not an enum`);
  if (body['oldVal'] !== undefined) await renameLabel(ctx, opened, type, text(body['oldVal']), text(body['newVal']));
  else await addLabel(ctx, opened, type, body);
  return 'ALTER TYPE';
}

async function addLabel(ctx: DdlContext, opened: OpenedType, type: EnumType, body: Loose): Promise<void> {
  const label = text(body['newVal']);
  checkLabel(label);
  if (type.labels.some((one) => one.label === label)) {
    if (body['skipIfNewValExists'] !== true) throw sqlError('42710', `enum label "${label}" already exists`);
    notice(ctx, '42710', `enum label "${label}" already exists, skipping`);
    return;
  }
  let place = type.labels.length;
  if (body['newValNeighbor'] !== undefined) {
    const neighbour = text(body['newValNeighbor']);
    const at = type.labels.findIndex((one) => one.label === neighbour);
    if (at < 0) throw sqlError('22023', `"${neighbour}" is not an existing enum label`);
    place = body['newValIsAfter'] === true ? at + 1 : at;
  }
  const id = await ctx.catalog.catalog.ids.next();
  const labels = [...type.labels];
  labels.splice(place, 0, { id, order: orderAt(type.labels, place), label, fresh: true });
  await changeType(ctx, opened, { ...type, labels });
}

/** Between the labels before and at the place. */
function orderAt(labels: readonly EnumLabel[], place: number): number {
  const before = labels[place - 1]?.order;
  const after = labels[place]?.order;
  if (before === undefined) return after === undefined ? 1 : after - 1;
  if (after === undefined) return Math.floor(before) + 1;
  const between = before + (after - before) / 2;
  if (between > before && between < after) return between;
  throw sqlError('54000', 'too many enum labels have been put between the same two', {
    hint: 'Make a new type with all labels in their order, and change the columns to it.',
  });
}

async function renameLabel(
  ctx: DdlContext,
  opened: OpenedType,
  type: EnumType,
  from: string,
  to: string,
): Promise<void> {
  checkLabel(to);
  if (!type.labels.some((one) => one.label === from)) {
    throw sqlError('22023', `"${from}" is not an existing enum label`);
  }
  if (type.labels.some((one) => one.label === to)) throw sqlError('42710', `enum label "${to}" already exists`);
  const labels = type.labels.map((one) => (one.label === from ? { ...one, label: to } : one));
  const users = await changeType(ctx, opened, { ...type, labels });
  await refuseViewsOver(ctx, type, users);
  const said = (sql: string): string => relabelled(sql, type, from, to);
  for (const user of users) {
    if (user.kind === 'table') ctx.catalog.put(ctx.txn, withExpressions(user, said));
    else if (user.kind === 'routine') await relabelDefaults(ctx, user.id, said);
  }
}

async function relabelDefaults(ctx: DdlContext, groupId: number, said: (sql: string) => string): Promise<void> {
  const group = await ctx.catalog.forUpdate(ctx.txn, groupId);
  if (group?.kind !== 'routine') return;
  const renewed = group.routines.map((routine) => {
    const parameters = routine.parameters.map((p) => ({ ...p, defaultSql: p.defaultSql && said(p.defaultSql) }));
    const isSame = parameters.every((p, i) => p.defaultSql === routine.parameters[i]!.defaultSql);
    return isSame ? routine : { ...routine, parameters };
  });
  const changed = renewed.filter((routine, i) => routine !== group.routines[i]);
  if (changed.length === 0) return;
  ctx.catalog.put(ctx.txn, { ...group, routines: renewed, version: group.version + 1 });
  for (const routine of changed) await changeCallers(ctx, { groupId, name: group.name, routine });
}

/** Literals in a view's query are kept as they were written: which of them are labels is not seen there. */
async function refuseViewsOver(ctx: DdlContext, type: EnumType, users: readonly Descriptor[]): Promise<void> {
  const ids = new Set(users.map((d) => d.id));
  const { descriptors } = await ctx.catalog.view([]);
  const reading = users.find(
    (d) => d.kind === 'routine' && d.routines.some((one) => one.trees && namesLabels(one, type)),
  );
  if (reading !== undefined)
    throw sqlError('0A000', `cannot rename a label of type ${type.name}, which function ${reading.name} may use`, {
      hint: 'Drop the function, rename the label, and create the function again.',
    });
  const view = descriptors.find((d) => isReader(d) && (ids.has(d.id) || sourcesOf(d).some((s) => ids.has(s.id))));
  if (view === undefined) return;
  throw sqlError('0A000', `cannot rename a label of type ${type.name}, which ${kindName(view)} ${view.name} may use`, {
    hint: 'Drop the view, rename the label, and create the view again.',
  });
}

function namesLabels({ usedTypes = [], parameters }: Routine, type: EnumType): boolean {
  return [...usedTypes, ...parameters].some(({ typeOid }) =>
    typesWithin(typeOid).some((handle) => catalogOidOf(handle) === type.oid),
  );
}

/** Stored expressions write labels as literals of the type, or in literals of its array. */
function relabelled(sql: string, type: EnumType, from: string, to: string): string {
  const literals = new RegExp(`('(?:[^']|'')*')::"${PINNED}${type.oid}"(\\[\\])?`, 'g');
  return sql.replace(literals, (found, literal: string, array: string | undefined) => {
    const value = literal.slice(1, -1).replaceAll("''", "'");
    if (array === undefined) return value === from ? found.replace(literal, () => quoteLiteral(to)) : found;
    const text = typeByOid(OID.textArray);
    const items = text.input(value, -1, STORED_FORMAT) as PgArray;
    const changed = items.elements.map((item) => (item === from ? to : item));
    const shown = text.output(new PgArray(OID.text, changed, items.dims, items.lowerBounds), STORED_FORMAT);
    return found.replace(literal, () => quoteLiteral(shown));
  });
}

function withExpressions(table: TableDescriptor, said: (sql: string) => string): TableDescriptor {
  return JSON.parse(
    JSON.stringify(table, (key, value: unknown) =>
      (key === 'defaultSql' || key === 'expressionSql') && typeof value === 'string' ? said(value) : value,
    ),
  ) as TableDescriptor;
}
