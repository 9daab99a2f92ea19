/**
 * Access control lists: who was granted what on an object, by whom, as PostgreSQL keeps them. An object without a list has the one that it
 * was born with: everything for its owner, and for everybody what PostgreSQL gives to everybody.
 *
 * Roles are named by their oids; 0 as grantee is everybody (PUBLIC). What is granted is a set of bits.
 */
export const RIGHTS = {
  insert: 1 << 0,
  select: 1 << 1,
  update: 1 << 2,
  delete: 1 << 3,
  truncate: 1 << 4,
  references: 1 << 5,
  trigger: 1 << 6,
  execute: 1 << 7,
  usage: 1 << 8,
  create: 1 << 9,
  temporary: 1 << 10,
  connect: 1 << 11,
  set: 1 << 12,
  'alter system': 1 << 13,
} as const;

export type RightName = keyof typeof RIGHTS;

/** In the order of the bits, as PostgreSQL writes them. */
const LETTERS = 'arwdDxtXUCTcsA';
export const RIGHT_NAMES = Object.keys(RIGHTS) as readonly RightName[];

export interface AclItem {
  readonly grantee: number;
  readonly grantor: number;
  readonly rights: number;
  /** Those of `rights` that the grantee may grant. */
  readonly options: number;
}
export type Acl = readonly AclItem[];

export type AclKind =
  'table' | 'sequence' | 'column' | 'database' | 'function' | 'language' | 'schema' | 'type' | 'tablespace';

export const PUBLIC_ROLE = 0;

/** Everything that there is of a kind. */
export const ALL_RIGHTS: Readonly<Record<AclKind, number>> = {
  table:
    RIGHTS.insert |
    RIGHTS.select |
    RIGHTS.update |
    RIGHTS.delete |
    RIGHTS.truncate |
    RIGHTS.references |
    RIGHTS.trigger,
  sequence: RIGHTS.select | RIGHTS.update | RIGHTS.usage,
  column: RIGHTS.insert | RIGHTS.select | RIGHTS.update | RIGHTS.references,
  database: RIGHTS.create | RIGHTS.temporary | RIGHTS.connect,
  function: RIGHTS.execute,
  language: RIGHTS.usage,
  schema: RIGHTS.usage | RIGHTS.create,
  type: RIGHTS.usage,
  tablespace: RIGHTS.create,
};

const OF_PUBLIC: Readonly<Record<AclKind, number>> = {
  table: 0,
  sequence: 0,
  column: 0,
  database: RIGHTS.temporary | RIGHTS.connect,
  function: RIGHTS.execute,
  language: RIGHTS.usage,
  schema: 0,
  type: RIGHTS.usage,
  tablespace: 0,
};

export function defaultAcl(kind: AclKind, owner: number): Acl {
  const items: AclItem[] = [];
  if (OF_PUBLIC[kind] !== 0) items.push({ grantee: PUBLIC_ROLE, grantor: owner, rights: OF_PUBLIC[kind], options: 0 });
  if (kind !== 'column') items.push({ grantee: owner, grantor: owner, rights: ALL_RIGHTS[kind], options: 0 });
  return items;
}

/** What a role with these memberships was granted. */
export function rightsOf(acl: Acl, isMember: (role: number) => boolean): number {
  let rights = 0;
  for (const { grantee, rights: granted } of acl) if (grantee === PUBLIC_ROLE || isMember(grantee)) rights |= granted;
  return rights;
}

/** What it may grant on: an owner always may. */
export function grantable(acl: Acl, kind: AclKind, owner: number, isMember: (role: number) => boolean): number {
  if (isMember(owner)) return ALL_RIGHTS[kind];
  let options = 0;
  for (const item of acl) if (item.grantee !== PUBLIC_ROLE && isMember(item.grantee)) options |= item.options;
  return options;
}

export interface Grant {
  readonly grantee: number;
  readonly grantor: number;
  readonly rights: number;
  readonly withOption: boolean;
}

export function granted(acl: Acl, { grantee, grantor, rights, withOption }: Grant): Acl {
  const at = acl.findIndex((item) => item.grantee === grantee && item.grantor === grantor);
  const options = withOption ? rights : 0;
  if (at < 0) return [...acl, { grantee, grantor, rights, options }];
  return acl.map((item, i) =>
    i === at ? { ...item, rights: item.rights | rights, options: item.options | options } : item,
  );
}

/** Where others depend on a grant option that goes. */
export class DependentRights extends Error {}

/** Without the rights, or only without the option to grant them. @throws DependentRights unless it cascades */
export function revoked(
  acl: Acl,
  {
    grantee,
    grantor,
    rights,
    optionOnly,
    cascade,
    owner,
  }: {
    readonly grantee: number;
    readonly grantor: number;
    readonly rights: number;
    readonly optionOnly: boolean;
    readonly cascade: boolean;
    readonly owner: number;
  },
): Acl {
  const item = acl.find((one) => one.grantee === grantee && one.grantor === grantor);
  if (item === undefined) return acl;
  const before = item.options;
  const left = {
    ...item,
    rights: optionOnly ? item.rights : item.rights & ~rights,
    options: item.options & ~rights,
  };
  let next = acl.map((one) => (one === item ? left : one)).filter((one) => one.rights !== 0);
  // The options that the grantee has no more, from whomever.
  const still = next.reduce((all, one) => (one.grantee === grantee ? all | one.options : all), 0);
  const lost = before & ~left.options & ~still;
  if (lost === 0 || grantee === owner || grantee === PUBLIC_ROLE) return next;
  for (;;) {
    const dependent = next.find((one) => one.grantor === grantee && (one.rights & lost) !== 0);
    if (dependent === undefined) return next;
    if (!cascade) throw new DependentRights('dependent privileges exist');
    next = revoked(next, {
      grantee: dependent.grantee,
      grantor: grantee,
      rights: dependent.rights & lost,
      optionOnly: false,
      cascade: true,
      owner,
    }) as AclItem[];
  }
}

/** The object has a new owner, who takes the place of the old one. */
export function withOwner(acl: Acl, from: number, to: number): Acl {
  let next: Acl = [];
  for (const item of acl) {
    const grantee = item.grantee === from ? to : item.grantee;
    const grantor = item.grantor === from ? to : item.grantor;
    const at = next.findIndex((one) => one.grantee === grantee && one.grantor === grantor);
    next =
      at < 0
        ? [...next, { ...item, grantee, grantor }]
        : next.map((one, i) =>
            i === at ? { ...one, rights: one.rights | item.rights, options: one.options | item.options } : one,
          );
  }
  return next;
}

/** Without what was granted to the role, and by it. */
export function withoutRole(acl: Acl, role: number): Acl {
  return acl.filter((item) => item.grantee !== role && item.grantor !== role);
}

export function letters(rights: number, options = 0): string {
  let text = '';
  for (let bit = 0; bit < LETTERS.length; bit++) {
    if ((rights & (1 << bit)) !== 0) text += LETTERS[bit]! + ((options & (1 << bit)) !== 0 ? '*' : '');
  }
  return text;
}

/** grantee=rights/grantor. */
export function itemText(item: AclItem, nameOf: (role: number) => string): string {
  const quoted = (role: number): string => {
    const name = nameOf(role);
    return /^[A-Za-z0-9_]+$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
  };
  const grantee = item.grantee === PUBLIC_ROLE ? '' : quoted(item.grantee);
  return `${grantee}=${letters(item.rights, item.options)}/${quoted(item.grantor)}`;
}

export interface WrittenItem {
  /** '' is everybody. */
  readonly grantee: string;
  readonly grantor: string;
  readonly rights: number;
  readonly options: number;
}

/** null: it is no item. */
export function readItem(text: string): WrittenItem | null {
  const found = /^(?:"((?:[^"]|"")*)"|([^"=/]*))=([A-Za-z*]*)\/(?:"((?:[^"]|"")*)"|([^"/]*))$/.exec(text.trim());
  if (found === null) return null;
  let rights = 0;
  let options = 0;
  let last = 0;
  for (const letter of found[3]!) {
    if (letter === '*') {
      options |= last;
      continue;
    }
    const bit = LETTERS.indexOf(letter);
    if (bit < 0) return null;
    last = 1 << bit;
    rights |= last;
  }
  const name = (quoted: string | undefined, plain: string | undefined): string =>
    quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"');
  return { grantee: name(found[1], found[2]), grantor: name(found[4], found[5]), rights, options };
}

export function sameAcl(a: Acl, b: Acl): boolean {
  const key = (item: AclItem): string => [item.grantee, item.grantor, item.rights, item.options].join();
  const other = new Set(b.map(key));
  return a.length === b.length && a.every((item) => other.has(key(item)));
}
