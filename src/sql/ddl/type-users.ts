/** DROP TYPE … CASCADE: columns of the type, views over it, and types made of it go with it. */
import type { Descriptor, TableDescriptor, ViewDescriptor } from '../catalog/descriptor.js';
import { isReader, kindName, sourcesOf } from '../catalog/materialized.js';
import { userTypeOf } from '../types/user-types.js';
import type { UserType } from '../types/user-types.js';
import { runAlterTable } from './alter-table.js';
import type { DdlContext } from './context.js';
import { visibleName } from './objects.js';
import { dropRoutinesOf, dropRowTypeRoutines } from './routines.js';
import type { DependentLine } from './routines.js';
import { rowTypeDefinition, rowTypeUsers } from './row-type-users.js';
import { changeType, dropType, namesType, uses, usesItself } from './user-types.js';
import { dropView } from './views.js';
import type { DropOptions } from './views.js';

type Relation = TableDescriptor | ViewDescriptor;

export async function dropTypeUsers(ctx: DdlContext, type: UserType, users: readonly Descriptor[]): Promise<void> {
  for (const user of users) {
    // An earlier one may have taken this one along.
    const current = await ctx.catalog.forUpdate(ctx.txn, user.id);
    // What calls a function that takes the type goes with the function.
    if (current !== null && !usesItself(current, type)) continue;
    if (current !== null && isReader(current)) {
      ctx.cascades.push(`${kindName(current)} ${current.name}`);
      await dropView(ctx, current, { cascade: true, together: new Set() });
    } else if (current?.kind === 'table') {
      const names = current.columns.filter((c) => !c.dropped && namesType(c.typeOid, type)).map((c) => c.name);
      for (const name of names) ctx.cascades.push(`column ${name} of table ${current.name}`);
      const schemaname = await ctx.catalog.schemaName(current.schemaId);
      // The columns of a typed table go with the attributes of its type.
      const inner = current.ofType == null ? ctx : { ...ctx, ofType: current.ofType };
      await runAlterTable(inner, {
        relation: { relname: current.name, schemaname },
        objtype: 'OBJECT_TABLE',
        cmds: names.map((name) => ({
          AlterTableCmd: { subtype: 'AT_DropColumn', name, behavior: 'DROP_CASCADE' },
        })),
      });
    } else if (current?.kind === 'routine') {
      await dropRoutinesOf(ctx, current, type);
    } else if (current?.kind === 'type') {
      await dropUserType(ctx, type, { descriptor: current, type: userTypeOf(current.typeOid)! });
    }
  }
}

/** Before the relation goes: drops what holds the type of its rows, functions of it too; without CASCADE, names it. */
export async function dropRowTypeUsers(ctx: DdlContext, relation: Relation, options: DropOptions): Promise<string[]> {
  const found = await dropRowTypeRoutines(ctx, relation, options);
  const users = (await rowTypeUsers(ctx, relation.id)).filter(
    // Who reads the relation depends on it anyway.
    (user) =>
      !options.together.has(user.id) && !(isReader(user) && sourcesOf(user).some(({ id }) => id === relation.id)),
  );
  const type = rowTypeDefinition(relation);
  const others = users.filter((user) => usesItself(user, type));
  if (options.cascade) {
    await dropTypeUsers(ctx, type, others);
    return [];
  }
  const shown = await visibleName(ctx, relation);
  for (const user of others) found.push(...usesOf(user, type, shown, others));
  // In PostgreSQL's order: by oid, and what uses the array type first, which is as old as the relation.
  const rank = (line: string): number => (line.endsWith(`depends on type ${shown}[]`) ? 0 : 1);
  return found.sort((a, b) => rank(a.line) - rank(b.line) || a.oid - b.oid).map(({ line }) => line);
}

/** Also what uses a domain over it, which would go with that. */
function usesOf(user: Descriptor, type: UserType, shown: string, all: readonly Descriptor[]): DependentLine[] {
  const own = user.kind === 'type' ? userTypeOf(user.typeOid)! : null;
  const lines = uses(user, type, shown).map((line) => ({ oid: user.id, line }));
  if (own === null || own.kind === 'composite') return lines;
  for (const other of all) {
    if (other === user || !usesItself(other, own)) continue;
    lines.push(...uses(other, own, own.name).map((line) => ({ oid: user.id, line })));
  }
  return lines;
}

async function dropUserType(ctx: DdlContext, type: UserType, user: Parameters<typeof dropType>[1]): Promise<void> {
  const { descriptor } = user;
  if (user.type.kind !== 'composite') {
    ctx.cascades.push(`type ${descriptor.name}`);
    await dropType(ctx, user, true, dropTypeUsers);
    return;
  }
  const fields = user.type.fields.filter((field) => !namesType(field.typeOid, type));
  for (const field of user.type.fields) {
    if (!fields.includes(field)) ctx.cascades.push(`column ${field.name} of composite type ${descriptor.name}`);
  }
  await changeType(ctx, user, { ...user.type, fields });
}
