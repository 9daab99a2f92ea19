/** The languages of functions, which are the superuser's. Whoever may use one is kept with the database, if it was ever changed. */
import { type Acl, defaultAcl } from './acl.js';
import { SUPERUSER_OID } from './bootstrap-names.js';
import type { DatabaseDescriptor } from './descriptor.js';

/** By their oids; of those that are not trusted only superusers make functions. */
export const LANGUAGES: ReadonlyMap<number, { readonly name: string; readonly trusted: boolean }> = new Map([
  [12, { name: 'internal', trusted: false }],
  [13, { name: 'c', trusted: false }],
  [14, { name: 'sql', trusted: true }],
  [13563, { name: 'plpgsql', trusted: true }],
]);

export function languageOid(name: string): number | null {
  for (const [oid, language] of LANGUAGES) if (language.name === name) return oid;
  return null;
}

export function languageAcl(database: DatabaseDescriptor | null, oid: number): Acl {
  return database?.languageAcls?.find((one) => one.oid === oid)?.acl ?? defaultAcl('language', SUPERUSER_OID);
}

export function withLanguageAcl(
  { languageAcls = [] }: DatabaseDescriptor,
  oid: number,
  acl: Acl,
): Pick<DatabaseDescriptor, 'languageAcls'> {
  return { languageAcls: [...languageAcls.filter((one) => one.oid !== oid), { oid, acl }] };
}
