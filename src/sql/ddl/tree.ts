/** Small readers of parse trees for schema statements. */
import { sqlError } from '../../base/errors.js';
import type { RelationName } from '../contract.js';

export type Loose = Readonly<Record<string, unknown>>;

export function list(value: unknown): Loose[] {
  return Array.isArray(value) ? (value as Loose[]) : [];
}
export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
export function of(node: Loose | undefined, kind: string): Loose {
  return ((node ?? {})[kind] ?? {}) as Loose;
}
export function strings(value: unknown): string[] {
  return list(value).map((n) => text(of(n, 'String')['sval']));
}
export function stringOf(node: unknown): string {
  return text(of(node as Loose, 'String')['sval']);
}

export function rangeVar(node: unknown): RelationName {
  const r = (node ?? {}) as Loose;
  const inner = (r['RangeVar'] as Loose | undefined) ?? r;
  return { schema: inner['schemaname'] === undefined ? null : text(inner['schemaname']), name: text(inner['relname']) };
}

/** From a dotted list of names; a database name in front is dropped. */
export function qualifiedName(parts: readonly string[]): RelationName {
  return { schema: parts.length > 1 ? parts[parts.length - 2]! : null, name: parts[parts.length - 1] ?? '' };
}

/** Value of an option as text; '' without one. */
export function valueText(node: unknown): string {
  const n = (node ?? {}) as Loose;
  if (n['Integer'] !== undefined) return String(of(n, 'Integer')['ival'] ?? 0);
  if (n['Float'] !== undefined) return text(of(n, 'Float')['fval']);
  if (n['Boolean'] !== undefined) return of(n, 'Boolean')['boolval'] === true ? 'true' : 'false';
  if (n['String'] !== undefined) return text(of(n, 'String')['sval']);
  if (n['TypeName'] !== undefined) return strings(of(n, 'TypeName')['names']).join('.');
  if (n['A_Const'] !== undefined) {
    const c = of(n, 'A_Const');
    if (c['ival'] !== undefined) return String((c['ival'] as Loose)['ival'] ?? 0);
    if (c['fval'] !== undefined) return text((c['fval'] as Loose)['fval']);
    if (c['boolval'] !== undefined) return (c['boolval'] as Loose)['boolval'] === true ? 'true' : 'false';
    return text(((c['sval'] ?? {}) as Loose)['sval']);
  }
  return '';
}

export function options(value: unknown): { readonly name: string; readonly arg: unknown; readonly location: number }[] {
  return list(value).map((n) => {
    const def = of(n, 'DefElem');
    return { name: text(def['defname']), arg: def['arg'], location: Number(def['location'] ?? -1) };
  });
}

export function unsupported(what: string): Error {
  return sqlError('0A000', `${what} is not supported`);
}

const NAME_BYTES_MAX = 63;

export function truncateIdentifier(name: string): string {
  let out = name;
  while (Buffer.byteLength(out) > NAME_BYTES_MAX) out = out.slice(0, -1);
  return out;
}

/** PostgreSQL's rule: name1_name2_label, the longer of the two names shortened until all fits. */
export function objectName(name1: string, name2: string, label: string): string {
  const overhead = (name2 === '' ? 0 : 1) + (label === '' ? 0 : label.length + 1);
  let first = name1;
  let second = name2;
  while (Buffer.byteLength(first) + Buffer.byteLength(second) + overhead > NAME_BYTES_MAX) {
    if (Buffer.byteLength(first) > Buffer.byteLength(second)) first = first.slice(0, -1);
    else second = second.slice(0, -1);
  }
  return first + (second === '' ? '' : `_${second}`) + (label === '' ? '' : `_${label}`);
}
