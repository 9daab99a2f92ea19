/**
 * What roles may do (has_table_privilege and its relatives), who is a member of whom, and lists of privileges as values (aclexplode and its
 * relatives). Asked of the view of the catalog that the statement has.
 */
import { TABLESPACES } from './describe-object.js';
import { sqlError } from '../../base/errors.js';
import {
  type Acl,
  type AclKind,
  defaultAcl,
  letters,
  PUBLIC_ROLE,
  readItem,
  RIGHT_NAMES,
  RIGHTS,
  type RightName,
} from '../catalog/acl.js';
import { SUPERUSER_OID } from '../catalog/bootstrap-names.js';
import type { Descriptor } from '../catalog/descriptor.js';
import { LANGUAGES, languageAcl, languageOid } from '../catalog/languages.js';
import { aclOf, isUnderRowSecurity, schemaRights, wholeRights } from '../catalog/rights.js';
import type { Rights } from '../catalog/rights.js';
import type { ExecContext } from '../contract.js';
import { PgArray, PgRecord } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { missingRelation, schemaOid } from '../types/reg-names.js';
import { splitName } from '../types/identifiers.js';
import { fn, srf } from './define.js';
import { procedureByOid } from './procedure-oids.js';
import { columnsOfRelation, type NumberedColumn } from './relation-columns.js';
import { aclOfBuiltIn } from './restricted.js';

const STABLE = { volatility: 'stable' } as const;

type Who = string | number | null;
type What = string | number;
type Answer = boolean | null;

interface Asked {
  readonly rights: number;
  readonly withOption: boolean;
}

/** 'SELECT, INSERT WITH GRANT OPTION': any of them will do. @throws QuoralError 22023 */
function readAsked(text: string, names: readonly RightName[]): Asked[] {
  return text.split(',').map((part) => {
    const word = part.trim().toLowerCase().replaceAll(/\s+/g, ' ');
    const withOption = word.endsWith(' with grant option');
    const bare = withOption ? word.slice(0, -' with grant option'.length) : word;
    const name = (bare === 'temp' ? 'temporary' : bare) as RightName;
    // There were rules once that one could be granted.
    if (bare === 'rule' && names.includes('trigger')) return { rights: 0, withOption };
    if (!names.includes(name)) throw sqlError('22023', `unrecognized privilege type: "${part.trim()}"`);
    return { rights: RIGHTS[name], withOption };
  });
}

function access(ctx: ExecContext): NonNullable<ExecContext['services']['access']> {
  const found = ctx.services.access;
  if (found === undefined) throw sqlError('0A000', 'privileges can be asked for within a session only');
  return found;
}

/** @throws QuoralError 42704 */
function rightsFor(who: Who, ctx: ExecContext): Rights {
  const services = access(ctx);
  if (who === null) return services.rightsOf(services.userId)!;
  if (typeof who === 'number') return services.rightsOf(who) ?? services.rightsOf(PUBLIC_ROLE)!;
  if (who === 'public') return services.rightsOf(PUBLIC_ROLE)!;
  const id = services.roleOid(who);
  if (id === null) throw sqlError('42704', `role "${who}" does not exist`);
  return services.rightsOf(id)!;
}

/** Any of what is asked, with the rights there are and those that may be granted. */
function answers(asked: readonly Asked[], held: number, options: number): boolean {
  return asked.some(({ rights, withOption }) => ((withOption ? options : held) & rights) !== 0);
}

function optionsOf(acl: Acl, owner: number, rights: Rights): number {
  if (rights.isMember(owner)) return ~0;
  let options = 0;
  for (const item of acl) if (item.grantee !== PUBLIC_ROLE && rights.isMember(item.grantee)) options |= item.options;
  return options;
}

type Listed = Exclude<Descriptor, { readonly kind: 'role' | 'routine' }>;

function onObject(d: Listed, asked: readonly Asked[], rights: Rights): boolean {
  return answers(asked, wholeRights(rights, d), optionsOf(aclOf(d), d.owner, rights));
}

function onList(acl: Acl, owner: number, asked: readonly Asked[], rights: Rights): boolean {
  return answers(asked, rights.of(acl), optionsOf(acl, owner, rights));
}

/** has_X_privilege in its six forms: for the current user, a role by its name or oid; of an object by its name or oid. */
function define(what: string, ask: (who: Who, object: What, privileges: string, ctx: ExecContext) => Answer): void {
  for (const object of ['text', 'oid']) {
    const name = `has_${what}_privilege`;
    fn(
      `${name}(${object}, text) bool`,
      (o: What, privileges: string, ctx: ExecContext) => ask(null, o, privileges, ctx),
      STABLE,
    );
    for (const who of ['name', 'oid']) fn(`${name}(${who}, ${object}, text) bool`, ask, STABLE);
  }
}

const TABLE_RIGHTS: readonly RightName[] = [
  'select',
  'insert',
  'update',
  'delete',
  'truncate',
  'references',
  'trigger',
];
const COLUMN_RIGHTS: readonly RightName[] = ['select', 'insert', 'update', 'references'];

/** Of the catalogs' own relations everything is the superuser's, and everybody may read. */
function onCatalog(oid: number, asked: readonly Asked[], rights: Rights, ctx: ExecContext): boolean {
  if (rights.superuser) return asked.some((one) => one.rights !== 0);
  const isPublic = !access(ctx).isSecret(oid);
  return asked.some((one) => !one.withOption && one.rights === RIGHTS.select && isPublic);
}

/** @throws QuoralError 42P01 */
function relationOid(object: What, ctx: ExecContext): number {
  if (typeof object === 'number') return object;
  const oid = ctx.services.relationOid(object);
  if (oid === null) throw missingRelation(object, (schema) => schemaOid(schema, ctx.format));
  return oid;
}

define('table', (who, object, privileges, ctx) => {
  const rights = rightsFor(who, ctx);
  const asked = readAsked(privileges, TABLE_RIGHTS);
  const oid = relationOid(object, ctx);
  const d = access(ctx).descriptor(oid);
  if (d?.kind === 'table' || d?.kind === 'view' || d?.kind === 'sequence') return onObject(d, asked, rights);
  return ctx.services.relationName(oid) === null ? null : onCatalog(oid, asked, rights, ctx);
});

for (const relation of ['text', 'oid']) {
  const isActive = (object: What, ctx: ExecContext): boolean => {
    const d = access(ctx).descriptor(relationOid(object, ctx));
    return d?.kind === 'table' && isUnderRowSecurity(rightsFor(null, ctx), d);
  };
  fn(`row_security_active(${relation}) bool`, isActive, STABLE);
}

define('sequence', (who, object, privileges, ctx) => {
  const rights = rightsFor(who, ctx);
  const asked = readAsked(privileges, ['usage', 'select', 'update']);
  const oid = relationOid(object, ctx);
  const d = access(ctx).descriptor(oid);
  if (d?.kind === 'sequence') return onObject(d, asked, rights);
  if (d === null && ctx.services.relationName(oid) === null) return null;
  throw sqlError('42809', `"${ctx.services.relationName(oid) ?? oid}" is not a sequence`);
});

function onColumn(who: Who, object: What, column: What | null, privileges: string, ctx: ExecContext): Answer {
  const rights = rightsFor(who, ctx);
  const asked = readAsked(privileges, COLUMN_RIGHTS);
  const oid = relationOid(object, ctx);
  const shown = ctx.services.relationName(oid);
  if (shown === null) return null;
  const d = access(ctx).descriptor(oid);
  type Listed = NumberedColumn & { readonly acl?: Acl | null; readonly dropped?: boolean };
  const columns: readonly Listed[] = columnsOfRelation(oid, ctx);
  const wanted = columns.filter((one) => column === null || one.id === column || one.name === column);
  if (wanted.length === 0 && typeof column === 'string') {
    const relation = d !== null && 'name' in d ? d.name : splitName(shown).at(-1)!;
    throw sqlError('42703', `column "${column}" of relation "${relation}" does not exist`);
  }
  // Columns that were dropped have names, and no rights.
  const chosen = wanted.filter(({ dropped }) => dropped !== true);
  if (column !== null && chosen.length === 0) return null;
  if (d?.kind !== 'table' && d?.kind !== 'view' && d?.kind !== 'sequence') return onCatalog(oid, asked, rights, ctx);
  if (onObject(d, asked, rights)) return true;
  return chosen.some(({ acl }) => acl != null && onList(acl, d.owner, asked, rights));
}

for (const table of ['text', 'oid']) {
  for (const column of ['text', 'int2']) {
    fn(
      `has_column_privilege(${table}, ${column}, text) bool`,
      (t: What, c: What, p: string, ctx: ExecContext) => onColumn(null, t, c, p, ctx),
      STABLE,
    );
    for (const who of ['name', 'oid'])
      fn(`has_column_privilege(${who}, ${table}, ${column}, text) bool`, onColumn, STABLE);
  }
}
define('any_column', (who, object, privileges, ctx) => onColumn(who, object, null, privileges, ctx));

define('schema', (who, object, privileges, ctx) => {
  const rights = rightsFor(who, ctx);
  const asked = readAsked(privileges, ['create', 'usage']);
  const oid = typeof object === 'number' ? object : access(ctx).schemaOid(object);
  if (oid === null) throw sqlError('3F000', `schema "${object}" does not exist`);
  const found = access(ctx).schemaAcl(oid);
  if (found !== null) return answers(asked, schemaRights(rights, found.acl), optionsOf(found.acl, found.owner, rights));
  if (ctx.services.schemaNameOf(oid) === null && ![11, 99, 13000].includes(oid)) return null;
  return rights.superuser || asked.some((one) => one.rights === RIGHTS.usage && !one.withOption);
});

define('database', (who, object, privileges, ctx) => {
  const rights = rightsFor(who, ctx);
  const asked = readAsked(privileges, ['create', 'temporary', 'connect']);
  const d = access(ctx).database(object);
  if (d === null && typeof object === 'string') throw sqlError('3D000', `database "${object}" does not exist`);
  return d === null ? null : onObject(d, asked, rights);
});

define('function', (who, object, privileges, ctx) => {
  const rights = rightsFor(who, ctx);
  const asked = readAsked(privileges, ['execute']);
  const oid = typeof object === 'number' ? object : access(ctx).routineOid(object);
  const routine = ctx.services.routineByOid?.(oid)?.routine;
  if (routine === undefined) {
    if (oid >= FIRST_USER_OID) return null;
    const name = procedureByOid(oid)?.entry.name ?? '';
    return onList(aclOfBuiltIn(name) ?? defaultAcl('function', SUPERUSER_OID), SUPERUSER_OID, asked, rights);
  }
  const owner = routine.owner ?? SUPERUSER_OID;
  return onList(routine.acl ?? defaultAcl('function', owner), owner, asked, rights);
});
/** What is below is built in. */
const FIRST_USER_OID = 16384;

define('type', (who, object, privileges, ctx) => {
  const rights = rightsFor(who, ctx);
  const asked = readAsked(privileges, ['usage']);
  const oid = typeof object === 'number' ? object : access(ctx).typeOid(object);
  const d = access(ctx).descriptor(oid);
  if (d?.kind === 'type') return onObject(d, asked, rights);
  return d !== null || ctx.services.typeName(oid) !== null || oid < FIRST_USER_OID ? true : null;
});

define('language', (who, object, privileges, ctx) => {
  const rights = rightsFor(who, ctx);
  const asked = readAsked(privileges, ['usage']);
  const oid = typeof object === 'number' ? object : languageOid(object);
  if (oid === null) throw sqlError('42704', `language "${object}" does not exist`);
  if (!LANGUAGES.has(oid)) return null;
  return onList(languageAcl(access(ctx).database(ctx.services.database), oid), SUPERUSER_OID, asked, rights);
});

const NONE: ReadonlyMap<number, string> = new Map();
const UNOWNED: readonly (readonly [string, RightName, boolean, ReadonlyMap<number, string>])[] = [
  ['tablespace', 'create', false, TABLESPACES],
  ['foreign_data_wrapper', 'usage', false, NONE],
  ['server', 'usage', false, NONE],
];
for (const [what, right, isPublic, all] of UNOWNED) {
  define(what, (who, object, privileges, ctx) => {
    const rights = rightsFor(who, ctx);
    if (typeof object === 'string' && ![...all.values()].includes(object))
      throw sqlError(
        '42704',
        `${what === 'foreign_data_wrapper' ? 'foreign-data wrapper' : what} "${object}" does not exist`,
      );
    const asked = readAsked(privileges, [right]);
    if (typeof object === 'number' && !all.has(object)) return null;
    return rights.superuser || (isPublic && asked.some(({ withOption }) => !withOption));
  });
}

// ---- roles ----

function hasRole(who: Who, role: What, privileges: string, ctx: ExecContext): boolean {
  const rights = rightsFor(who, ctx);
  const oid = typeof role === 'number' ? role : access(ctx).roleOid(role);
  if (oid === null) throw sqlError('42704', `role "${role}" does not exist`);
  return privileges.split(',').some((part) => {
    const word = part.trim().toLowerCase().replaceAll(/\s+/g, ' ');
    const found = /^(usage|member)( with (?:grant|admin) option)?$/.exec(word);
    if (found === null) throw sqlError('22023', `unrecognized privilege type: "${part.trim()}"`);
    if (rights.superuser) return true;
    if (found[2] !== undefined) return rights.membership.role.memberOf.some((one) => one.roleId === oid && one.admin);
    return found[1] === 'usage' ? rights.membership.inherited.has(oid) : rights.membership.all.has(oid);
  });
}
for (const role of ['name', 'oid']) {
  fn(`pg_has_role(${role}, text) bool`, (r: What, p: string, ctx: ExecContext) => hasRole(null, r, p, ctx), STABLE);
  for (const who of ['name', 'oid']) fn(`pg_has_role(${who}, ${role}, text) bool`, hasRole, STABLE);
}

fn(
  'pg_get_userbyid(oid) name',
  (oid: number, ctx: ExecContext) => ctx.services.access?.roleName(oid) ?? `unknown (OID=${oid})`,
  STABLE,
);

// ---- lists as values ----

const KIND_LETTERS: Readonly<Record<string, AclKind>> = {
  r: 'table',
  c: 'column',
  s: 'sequence',
  d: 'database',
  f: 'function',
  l: 'language',
  n: 'schema',
  T: 'type',
  t: 'tablespace',
};

/** Kinds of objects that are not here, of which everything is the owner's. */
const ELSEWHERE: Readonly<Record<string, number>> = {
  F: RIGHTS.usage,
  S: RIGHTS.usage,
  L: RIGHTS.select | RIGHTS.update,
  p: RIGHTS.set | RIGHTS['alter system'],
};

function shownItem(grantee: string, rights: number, options: number, grantor: string): string {
  const quoted = (name: string): string => (/^[A-Za-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`);
  return `${quoted(grantee)}=${letters(rights, options)}/${quoted(grantor)}`;
}

fn(
  'acldefault(char, oid) _aclitem',
  (kind: string, owner: number, ctx: ExecContext) => {
    const known = KIND_LETTERS[kind];
    const own = ELSEWHERE[kind];
    if (known === undefined && own === undefined) throw sqlError('XX000', `unrecognized objtype abbreviation: ${kind}`);
    const name = (id: number): string => ctx.services.access?.roleName(id) ?? String(id);
    const items =
      known === undefined ? [{ grantee: owner, grantor: owner, rights: own!, options: 0 }] : defaultAcl(known, owner);
    return new PgArray(
      OID.aclitem,
      items.map(({ grantee, grantor, rights, options }) =>
        shownItem(grantee === PUBLIC_ROLE ? '' : name(grantee), rights, options, name(grantor)),
      ),
    );
  },
  STABLE,
);

const EXPLODED = [
  { name: 'grantor', typeOid: OID.oid },
  { name: 'grantee', typeOid: OID.oid },
  { name: 'privilege_type', typeOid: OID.text },
  { name: 'is_grantable', typeOid: OID.bool },
];

function roleOrZero(name: string, ctx: ExecContext): number {
  return name === '' ? PUBLIC_ROLE : (ctx.services.access?.roleOid(name) ?? (/^\d+$/.test(name) ? Number(name) : 0));
}

srf(
  'aclexplode(_aclitem) record',
  (acl: PgArray, ctx: ExecContext) => {
    const rows: PgRecord[] = [];
    for (const text of acl.elements) {
      const item = text === null ? null : readItem(String(text));
      if (item === null) continue;
      for (const name of RIGHT_NAMES) {
        const bit = RIGHTS[name];
        if ((item.rights & bit) === 0) continue;
        const isGrantable = (item.options & bit) !== 0;
        const values = [roleOrZero(item.grantor, ctx), roleOrZero(item.grantee, ctx), name.toUpperCase(), isGrantable];
        rows.push(
          new PgRecord(
            EXPLODED.map(({ typeOid }) => typeOid),
            values,
          ),
        );
      }
    }
    return rows;
  },
  { ...STABLE, resultColumns: EXPLODED },
);

fn(
  'makeaclitem(oid, oid, text, bool) aclitem',
  (grantee: number, grantor: number, privileges: string, grantable: boolean, ctx: ExecContext) => {
    const rights = readAsked(privileges, RIGHT_NAMES).reduce((all, one) => all | one.rights, 0);
    const name = (id: number): string => (id === 0 ? '' : (ctx.services.access?.roleName(id) ?? String(id)));
    return shownItem(name(grantee), rights, grantable ? rights : 0, name(grantor));
  },
  STABLE,
);

fn('aclcontains(_aclitem, aclitem) bool', (acl: PgArray, item: string) => {
  const wanted = readItem(item);
  return acl.elements.some((text) => {
    const one = text === null ? null : readItem(String(text));
    if (one === null || wanted === null || one.grantee !== wanted.grantee || one.grantor !== wanted.grantor)
      return false;
    return (one.rights & wanted.rights) === wanted.rights && (one.options & wanted.options) === wanted.options;
  });
});
