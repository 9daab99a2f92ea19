/** CREATE, ALTER and DROP SEQUENCE, and the sequences behind serial and identity columns. */
import { sqlError } from '../../base/errors.js';
import type { SequenceDescriptor } from '../catalog/descriptor.js';
import { isMaterialized } from '../catalog/materialized.js';
import { isTemporary } from '../catalog/temporary-names.js';
import { restarted } from '../catalog/sequences.js';
import type { RelationName } from '../contract.js';
import { BUILT_IN_ONLY, resolveTypeName } from '../plan/coerce.js';
import { OID } from '../types/oids.js';
import { formatType } from '../types/registry.js';
import type { DdlContext } from './context.js';
import { initialAcl } from './default-privileges.js';
import { notice } from './context.js';
import { claimName, creationSchema, openForChange, relationMissing } from './objects.js';
import { options, qualifiedName, rangeVar, strings, of, unsupported, valueText } from './tree.js';
import type { Loose } from './tree.js';

export interface SequenceSettings {
  readonly typeOid: number;
  readonly start: bigint;
  readonly increment: bigint;
  readonly min: bigint;
  readonly max: bigint;
  readonly cache: number;
  readonly cycle: boolean;
}

const TYPE_LIMITS: ReadonlyMap<number, bigint> = new Map([
  [OID.int2, 32767n],
  [OID.int4, 2147483647n],
  [OID.int8, 9223372036854775807n],
]);

/** @throws QuoralError 22023 */
export function requireIdentityType(typeOid: number): void {
  if (TYPE_LIMITS.has(typeOid)) return;
  throw sqlError('22023', 'identity column type must be smallint, integer, or bigint');
}

type Option = { readonly name: string; readonly arg: unknown };

/** From CREATE's options over the defaults, or ALTER's over what there is. @throws 22023 */
export function sequenceDefaults(
  typeOid: number,
  opts: readonly Option[],
  base: SequenceDescriptor | null = null,
): SequenceSettings {
  const type = typeFrom(opts) ?? typeOid;
  const limit = TYPE_LIMITS.get(type);
  if (limit === undefined) throw sqlError('22023', 'sequence type must be smallint, integer, or bigint');
  const number = (name: string): bigint | undefined => {
    const found = opts.find((o) => o.name === name);
    return found === undefined || found.arg === undefined ? undefined : integer(name, valueText(found.arg));
  };
  const given = (name: string): boolean => opts.some((o) => o.name === name);
  const increment = number('increment') ?? (base === null ? 1n : BigInt(base.increment));
  if (increment === 0n) throw sqlError('22023', 'INCREMENT must not be zero');
  const up = increment > 0n;
  // A limit that was that of the old type becomes that of the new one.
  const old = base === null ? 0n : TYPE_LIMITS.get(base.typeOid)!;
  const isNewType = base !== null && type !== base.typeOid;
  const typesMax = isNewType && BigInt(base.max) === old;
  const typesMin = isNewType && BigInt(base.min) === -old - 1n;
  const resetMax = base === null || given('maxvalue') || typesMax;
  const resetMin = base === null || given('minvalue') || typesMin;
  const defaultMax = up || typesMax ? limit : -1n;
  const defaultMin = up && !typesMin ? 1n : -limit - 1n;
  const max = number('maxvalue') ?? (resetMax ? defaultMax : BigInt(base.max));
  const min = number('minvalue') ?? (resetMin ? defaultMin : BigInt(base.min));
  if (max > limit || max < -limit - 1n)
    throw sqlError('22023', `MAXVALUE (${max}) is out of range for sequence data type ${formatType(type)}`);
  if (min > limit || min < -limit - 1n)
    throw sqlError('22023', `MINVALUE (${min}) is out of range for sequence data type ${formatType(type)}`);
  if (min >= max) throw sqlError('22023', `MINVALUE (${min}) must be less than MAXVALUE (${max})`);
  const start = number('start') ?? (base === null ? (up ? min : max) : BigInt(base.start));
  if (start < min) throw sqlError('22023', `START value (${start}) cannot be less than MINVALUE (${min})`);
  if (start > max) throw sqlError('22023', `START value (${start}) cannot be greater than MAXVALUE (${max})`);
  const cache = number('cache') ?? BigInt(base?.cache ?? 1);
  if (cache < 1n) throw sqlError('22023', `CACHE (${cache}) must be greater than zero`);
  const cycle = opts.find((o) => o.name === 'cycle');
  return {
    typeOid: type,
    start,
    increment,
    min,
    max,
    cache: Number(cache > 1_000_000n ? 1_000_000n : cache),
    cycle: cycle === undefined ? (base?.cycle ?? false) : valueText(cycle.arg) !== 'false',
  };
}

function typeFrom(opts: readonly Option[]): number | null {
  const as = opts.find((o) => o.name === 'as');
  if (as === undefined) return null;
  return resolveTypeName(of(as.arg as Loose, 'TypeName') as Parameters<typeof resolveTypeName>[0], BUILT_IN_ONLY).oid;
}

function integer(name: string, text: string): bigint {
  if (!/^[-+]?\d+$/.test(text)) throw sqlError('42601', `${name} requires an integer value`);
  return BigInt(text);
}

export async function createSequence(
  ctx: DdlContext,
  settings: SequenceSettings,
  place: {
    readonly id: number;
    readonly name: string;
    readonly schemaId: number;
    readonly ownedBy: SequenceDescriptor['ownedBy'];
    readonly unlogged: boolean;
  },
): Promise<SequenceDescriptor> {
  const descriptor: SequenceDescriptor = {
    kind: 'sequence',
    id: place.id,
    name: place.name,
    databaseId: ctx.catalog.databaseId,
    schemaId: place.schemaId,
    version: 1,
    owner: ctx.session.userId,
    ...(await initialAcl(ctx, 'sequence', place.schemaId)),
    typeOid: settings.typeOid,
    start: String(settings.start),
    increment: String(settings.increment),
    min: String(settings.min),
    max: String(settings.max),
    cache: settings.cache,
    cycle: settings.cycle,
    ownedBy: place.ownedBy,
    ...(place.unlogged ? { unlogged: true } : {}),
    base: String(settings.start - settings.increment),
  };
  ctx.catalog.putNew(ctx.txn, descriptor);
  return descriptor;
}

export async function runCreateSequence(ctx: DdlContext, body: Loose): Promise<string> {
  const name = rangeVar(body['sequence']);
  const range = body['sequence'] as Loose;
  const persistence = range['relpersistence'] ?? of(range, 'RangeVar')['relpersistence'];
  const schema = await creationSchema(ctx, name, persistence);
  const opts = options(body['options']);
  const settings = sequenceDefaults(OID.int8, opts);
  if (body['if_not_exists'] === true && (await ctx.catalog.nameForUpdate(ctx.txn, schema.id, name.name)) !== null) {
    notice(ctx, '42P07', `relation "${name.name}" already exists, skipping`);
    return 'CREATE SEQUENCE';
  }
  const id = await ctx.catalog.catalog.ids.next();
  await claimName(ctx, schema.id, name.name, { id, indexOid: null });
  const ownedBy = await owner(ctx, opts, { owner: ctx.session.userId, schemaId: schema.id });
  await createSequence(ctx, settings, {
    id,
    name: name.name,
    schemaId: schema.id,
    ownedBy: ownedBy ?? null,
    unlogged: persistence === 'u',
  });
  return 'CREATE SEQUENCE';
}

/** SET LOGGED and UNLOGGED. @throws QuoralError 42P16 */
export function setSequenceLogged(
  ctx: DdlContext,
  sequence: SequenceDescriptor,
  logged: boolean,
  schema: string,
): void {
  if (isTemporary(sequence))
    throw sqlError('42P16', `cannot change logged status of table "${sequence.name}" because it is temporary`, {
      schema,
      table: sequence.name,
    });
  const { unlogged, ...rest } = sequence;
  if (logged === (unlogged !== true)) return;
  ctx.catalog.put(ctx.txn, { ...rest, ...(logged ? {} : { unlogged: true }), version: sequence.version + 1 });
}

/** OWNED BY: undefined if it is not given, null for NONE. */
async function owner(
  ctx: DdlContext,
  opts: readonly Option[],
  sequence: { readonly owner: number; readonly schemaId: number },
): Promise<SequenceDescriptor['ownedBy'] | undefined> {
  const given = opts.find((o) => o.name === 'owned_by');
  if (given === undefined) return undefined;
  const parts = strings(of(given.arg as Loose, 'List')['items']);
  if (parts.length === 1 && parts[0]!.toLowerCase() === 'none') return null;
  if (parts.length === 1)
    throw sqlError('42601', 'invalid OWNED BY option', { hint: 'Specify OWNED BY table.column or OWNED BY NONE.' });
  const column = parts[parts.length - 1]!;
  const found = await ctx.catalog.relation(qualifiedName(parts.slice(0, -1)), ctx.session.searchPath, ctx.wait);
  if (found?.kind === 'virtual') throw sqlError('55000', 'sequence must be in same schema as table it is linked to');
  if (found?.kind === 'view') throw unsupported('OWNED BY of a column of a view');
  if (found?.kind !== 'table') return refuseOwner(ctx, qualifiedName(parts.slice(0, -1)));
  const { table } = found;
  if (isMaterialized(table)) throw cannotOwn(table.name, 'materialized views');
  if (sequence.owner !== table.owner) throw sqlError('55000', 'sequence must have same owner as table it is linked to');
  if (sequence.schemaId !== table.schemaId)
    throw sqlError('55000', 'sequence must be in same schema as table it is linked to');
  const c = table.columns.find((x) => x.name === column && !x.dropped && !x.hidden);
  if (c === undefined) throw sqlError('42703', `column "${column}" of relation "${table.name}" does not exist`);
  return { tableId: table.id, columnId: c.id };
}

/** Of what is no table. @throws QuoralError 42809, 42P01 */
async function refuseOwner(ctx: DdlContext, name: RelationName): Promise<never> {
  for (const schema of name.schema === null ? ctx.session.searchPath : [name.schema]) {
    const schemaId = await ctx.catalog.schemaId(schema);
    const entry = schemaId === null ? null : await ctx.catalog.nameEntry(schemaId, name.name);
    if (entry !== null) throw cannotOwn(name.name, entry.indexOid === null ? 'sequences' : 'indexes');
  }
  return relationMissing(ctx, name);
}

function cannotOwn(name: string, kind: string): Error {
  return sqlError('42809', `sequence cannot be owned by relation "${name}"`, {
    detail: `This operation is not supported for ${kind}.`,
  });
}

export async function runAlterSequence(ctx: DdlContext, body: Loose): Promise<string> {
  const name = rangeVar(body['sequence']);
  const found = await openForChange(ctx, name);
  if (found === null) {
    if (body['missing_ok'] !== true) return relationMissing(ctx, name);
    notice(ctx, '00000', `relation "${name.name}" does not exist, skipping`);
    return 'ALTER SEQUENCE';
  }
  if (found.kind !== 'sequence') throw sqlError('42809', `"${name.name}" is not a sequence`);
  const opts = options(body['options']);
  await alterSequence(ctx, found.sequence, opts);
  return 'ALTER SEQUENCE';
}

async function refuseOfIdentity(ctx: DdlContext, sequence: SequenceDescriptor): Promise<void> {
  if (sequence.ownedBy === null) return;
  const { tableId, columnId } = sequence.ownedBy;
  const table = await ctx.catalog.descriptor(tableId, ctx.wait);
  if (table?.kind !== 'table' || table.columns.find((c) => c.id === columnId)?.identity == null) return;
  throw sqlError('0A000', 'cannot change ownership of identity sequence', {
    detail: `Sequence "${sequence.name}" is linked to table "${table.name}".`,
  });
}

export async function alterSequence(
  ctx: DdlContext,
  sequence: SequenceDescriptor,
  opts: readonly Option[],
): Promise<void> {
  const settings = sequenceDefaults(sequence.typeOid, opts, sequence);
  const ownedBy = await owner(ctx, opts, sequence);
  if (ownedBy !== undefined) await refuseOfIdentity(ctx, sequence);
  const value = await restartValue(ctx, sequence, settings, opts);
  const hasNewStep = sequence.increment !== String(settings.increment);
  const hasNewBounds =
    sequence.min !== String(settings.min) || sequence.max !== String(settings.max) || sequence.cycle !== settings.cycle;
  if (hasNewStep || hasNewBounds) await ctx.sequences.settle(sequence);
  const base = hasNewStep ? await ctx.sequences.baseForStep(sequence, settings.increment) : null;
  const next: SequenceDescriptor = {
    ...sequence,
    ...(base === null ? {} : { base }),
    version: sequence.version + 1,
    typeOid: settings.typeOid,
    start: String(settings.start),
    increment: String(settings.increment),
    min: String(settings.min),
    max: String(settings.max),
    cache: settings.cache,
    cycle: settings.cycle,
    ...(ownedBy === undefined ? {} : { ownedBy }),
  };
  ctx.catalog.put(ctx.txn, value === null ? next : restarted(next, value, await ctx.catalog.catalog.ids.next()));
}

/**
 * For RESTART the value that comes next, else null. That, or else the last value, must lie between the bounds.
 * @throws 22023
 */
async function restartValue(
  ctx: DdlContext,
  sequence: SequenceDescriptor,
  settings: SequenceSettings,
  opts: readonly Option[],
): Promise<bigint | null> {
  const restart = opts.find((o) => o.name === 'restart');
  const given = restart?.arg === undefined ? settings.start : integer('RESTART', valueText(restart.arg));
  const value = restart === undefined ? (await ctx.sequences.lastValue(sequence)).value : given;
  if (value < settings.min)
    throw sqlError('22023', `RESTART value (${value}) cannot be less than MINVALUE (${settings.min})`);
  if (value > settings.max)
    throw sqlError('22023', `RESTART value (${value}) cannot be greater than MAXVALUE (${settings.max})`);
  return restart === undefined ? null : value;
}

export async function dropSequence(ctx: DdlContext, sequence: SequenceDescriptor): Promise<void> {
  ctx.catalog.freeName(ctx.txn, sequence.schemaId, sequence.name);
  ctx.catalog.drop(ctx.txn, sequence.id);
  return Promise.resolve();
}

/** Of a column that is dropped. */
export async function dropOwnedSequence(ctx: DdlContext, id: number): Promise<void> {
  await ctx.catalog.lock(ctx.txn, [id], ctx.wait);
  const sequence = await ctx.catalog.forUpdate(ctx.txn, id);
  if (sequence?.kind === 'sequence') await dropSequence(ctx, sequence);
}
