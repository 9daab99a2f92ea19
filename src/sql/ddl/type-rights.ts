/** The right to use the types that a relation gets from its query: those that its statement names are asked for before (run-ddl.ts). */
import { sqlError } from '../../base/errors.js';
import { RIGHTS } from '../catalog/acl.js';
import { aclOf } from '../catalog/rights.js';
import { catalogOidOf, elementOidOf } from '../types/registry.js';
import { isHandle } from '../types/user-types.js';
import type { DdlContext } from './context.js';
import { visibleName } from './objects.js';

/** @throws QuoralError 42501 */
export async function requireTypesOf(ctx: DdlContext, columns: readonly { readonly typeOid: number }[]): Promise<void> {
  if (ctx.rights.superuser) return;
  for (const { typeOid } of columns) {
    const element = elementOidOf(typeOid) === 0 ? typeOid : elementOidOf(typeOid);
    if (!isHandle(element)) continue;
    const type = await ctx.catalog.descriptor(catalogOidOf(element), ctx.wait);
    if (type?.kind === 'type' && !ctx.rights.has(aclOf(type), RIGHTS.usage))
      throw sqlError('42501', `permission denied for type ${await visibleName(ctx, type)}`);
  }
}
