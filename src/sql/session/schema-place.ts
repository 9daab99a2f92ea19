/** Where a statement names the schema that it may not use: names are looked up before anything knows their places. */
import { QuoralError, sqlError } from '../../base/errors.js';

/** The error with the place of the first name in that schema; any other as it is. */
export function placed(error: unknown, tree: unknown): unknown {
  if (!(error instanceof QuoralError) || error.sqlstate !== '42501' || error.fields.position !== undefined)
    return error;
  const schema = /^permission denied for schema (.*)$/.exec(error.message)?.[1];
  const at = schema === undefined ? null : placeOf(tree, schema);
  return at === null ? error : sqlError('42501', error.message, { ...error.fields, position: at + 1 });
}

/** Of a relation or a call, from the tree's root on. */
function placeOf(node: unknown, schema: string): number | null {
  if (typeof node !== 'object' || node === null) return null;
  const {
    schemaname,
    funcname,
    location = 0,
  } = node as { schemaname?: unknown; funcname?: unknown; location?: number };
  if (schemaname === schema) return location;
  if (Array.isArray(funcname) && funcname.length > 1) {
    const first = funcname[funcname.length - 2] as { String?: { sval?: string } };
    if (first.String?.sval === schema) return location;
  }
  for (const child of Object.values(node)) {
    const found = placeOf(child, schema);
    if (found !== null) return found;
  }
  return null;
}
