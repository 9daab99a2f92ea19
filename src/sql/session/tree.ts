/** Readers of the parse trees of utility statements. */
export type Loose = Readonly<Record<string, unknown>>;

export function list(value: unknown): Loose[] {
  return Array.isArray(value) ? (value as Loose[]) : [];
}
/** A constant as text; '' if it is none. */
export function constantOf(node: Loose): string {
  const c = (node['A_Const'] ?? {}) as Loose;
  if (c['ival'] !== undefined) return String((c['ival'] as Loose)['ival'] ?? 0);
  if (c['fval'] !== undefined) return String((c['fval'] as Loose)['fval'] ?? 0);
  if (c['boolval'] !== undefined) return (c['boolval'] as Loose)['boolval'] === true ? 'on' : 'off';
  if (c['sval'] !== undefined) return String((c['sval'] as Loose)['sval'] ?? '');
  if (node['Integer'] !== undefined) return String((node['Integer'] as Loose)['ival'] ?? 0);
  if (node['String'] !== undefined) return String((node['String'] as Loose)['sval'] ?? '');
  if (node['Boolean'] !== undefined) return (node['Boolean'] as Loose)['boolval'] === true ? 'on' : 'off';
  if (node['Float'] !== undefined) return String((node['Float'] as Loose)['fval'] ?? 0);
  return '';
}
