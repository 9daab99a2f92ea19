/** DROP TYPE … CASCADE: columns of the type, views over it, and types made of it go with it. */
import type { Descriptor } from '../catalog/descriptor.js';
import { isReader, kindName } from '../catalog/materialized.js';
import { userTypeOf } from '../types/user-types.js';
import type { UserType } from '../types/user-types.js';
import { runAlterTable } from './alter-table.js';
import type { DdlContext } from './context.js';
import { changeType, dropType, namesType, usesItself } from './user-types.js';
import { dropRoutinesOf } from './routines.js';
import { dropView } from './views.js';

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
      await runAlterTable(ctx, {
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
