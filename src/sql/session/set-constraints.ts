/** SET CONSTRAINTS: when the deferrable constraints of this transaction are checked. */
import { sqlError } from '../../base/errors.js';
import { checkDeferredConstraints } from '../exec/constraint-checks.js';
import { type ConstraintModes, foreignKeyQueue } from '../exec/foreign-key-queue.js';
import type { Session } from './session.js';
import { list } from './tree.js';
import type { Loose } from './tree.js';

type Mode = 'deferred' | 'immediate';

export async function setConstraints(session: Session, body: Loose): Promise<string> {
  const tag = 'SET CONSTRAINTS';
  const { inAnyBlock } = session.state;
  if (!inAnyBlock) session.warn('25P01', 'SET CONSTRAINTS can only be used in transaction blocks');
  const mode: Mode = body['deferred'] === true ? 'deferred' : 'immediate';
  const names = list(body['constraints']).map((n) => n['RangeVar'] as Loose);
  const oids = names.length === 0 ? null : new Set(await findAll(session, names, mode));
  if (!inAnyBlock) return tag;
  const txn = session.transaction.ensureTxn();
  const queue = foreignKeyQueue(txn);
  const chosen = (oid: number): boolean => oids === null || oids.has(oid);
  if (mode === 'immediate') {
    const gone = (id: number, oid: number): boolean => session.transactionCatalog().hasDroppedForeignKey(id, oid);
    await checkDeferredConstraints(txn, session.format, chosen, gone);
  }
  queue.modes = changed(queue.modes, oids, mode);
  return tag;
}

function changed(before: ConstraintModes, oids: ReadonlySet<number> | null, mode: Mode): ConstraintModes {
  if (oids === null) return { all: mode, byOid: new Map() };
  const byOid = new Map(before.byOid);
  for (const oid of oids) byOid.set(oid, mode);
  return { ...before, byOid };
}

/** Those of the name in the first schema that has one. */
async function findAll(session: Session, names: readonly Loose[], mode: Mode): Promise<number[]> {
  await session.services.loadView();
  const found: number[] = [];
  for (const name of names) {
    const schema = name['schemaname'];
    if (schema !== undefined && (await session.transactionCatalog().schemaId(String(schema))) === null)
      throw sqlError('3F000', `schema "${String(schema)}" does not exist`);
    const schemas =
      name['schemaname'] === undefined ? session.settings.derived.searchPath : [String(name['schemaname'])];
    found.push(...findOne(session, String(name['relname']), schemas, mode));
  }
  return found;
}

function findOne(session: Session, name: string, schemas: readonly string[], mode: Mode): number[] {
  const { services } = session;
  for (const schema of schemas) {
    const tables = services.allTables().filter((table) => services.schemaNameOf(table.schemaId) === schema);
    const keys = tables.flatMap((table) => [
      ...(table.foreignKeys ?? []),
      ...table.checks.map((check) => ({ ...check, deferrable: false })),
      ...table.indexes.flatMap((index) =>
        index.constraintOid === null
          ? []
          : [{ name: index.name, oid: index.constraintOid, deferrable: index.deferrable != null }],
      ),
    ]);
    const found = keys.filter((constraint) => constraint.name === name);
    const late = found.filter((constraint) => constraint.deferrable);
    if (mode === 'deferred' && late.length < found.length) {
      throw sqlError('42809', `constraint "${name}" is not deferrable`);
    }
    if (found.length > 0) return late.map((constraint) => constraint.oid);
  }
  throw sqlError('42704', `constraint "${name}" does not exist`);
}
