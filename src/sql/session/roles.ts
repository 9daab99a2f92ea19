/**
 * Whose rights count in a session. Somebody logged in (`session_authorization`), may have become somebody else (`role`), and while a SECURITY
 * DEFINER function runs it is the function's owner. The superuser `postgres` asks for nothing: nothing of this costs its statements more
 * than a comparison.
 *
 * What anybody else may do is looked up anew for each statement after anything in the catalog changed, so that a REVOKE counts at once; and
 * their plans are made anew then, because what a name means depends on the schemas that may be used.
 */
import { sqlError } from '../../base/errors.js';
import { languageAcl, languageOid } from '../catalog/languages.js';
import { defaultAcl, RIGHTS, rightsOf } from '../catalog/acl.js';
import { SUPERUSER, SUPERUSER_OID } from '../catalog/bootstrap-names.js';
import type { DatabaseDescriptor, RoleDescriptor, SequenceDescriptor, TableDescriptor } from '../catalog/descriptor.js';
import { type Membership, membershipOf, requireRole, roleById } from '../catalog/roles.js';
import { aclOfSchema, Rights, schemaRights, wholeRights } from '../catalog/rights.js';
import { isTemporarySchemaName } from '../catalog/temporary-names.js';
import type { Session } from './session.js';

export interface Who {
  readonly id: number;
  readonly name: string;
}

interface Known {
  readonly epoch: number;
  readonly userId: number;
  readonly path: string;
  readonly rights: Rights;
}

/** Of no state of the catalog. */
const OWN_EPOCH = -1;

export class SessionRoles {
  readonly #session: Session;
  /** As who the client logged in. */
  readonly #login: Who;
  /** Roles that settings have named, as they were found. */
  readonly #found = new Map<string, RoleDescriptor>();
  /** Owners of the SECURITY DEFINER functions that run, the innermost last. */
  readonly #definers: Who[] = [];
  #known: Known | null = null;

  constructor(session: Session, login: RoleDescriptor) {
    this.#session = session;
    this.#login = { id: login.id, name: login.name };
    this.#found.set(login.name, login);
  }

  /** As who the session runs statements. `named`: the settings role and session_authorization. */
  current(role: string, authorization: string): Who {
    const definer = this.#definers[this.#definers.length - 1];
    if (definer !== undefined) return definer;
    return this.#byName(role === 'none' ? authorization : role);
  }

  #byName(name: string): Who {
    const found = this.#found.get(name);
    return found === undefined ? this.#login : { id: found.id, name };
  }

  get sessionUser(): Who {
    return this.#byName(this.#session.settings.get('session_authorization') ?? this.#login.name);
  }
  get login(): Who {
    return this.#login;
  }

  /** False for the superuser `postgres`, who may do everything. */
  get mustAsk(): boolean {
    return this.#session.settings.derived.userId !== SUPERUSER_OID;
  }

  /** As of the last look. */
  get isSuperuser(): boolean {
    return this.rights.superuser;
  }
  /** As of the last look; none of somebody who was not looked at. */
  get rights(): Rights {
    const { userId } = this.#session.settings.derived;
    if (userId === SUPERUSER_OID) return Rights.all(SUPERUSER_OID);
    return this.#known?.userId === userId ? this.#known.rights : Rights.none(userId);
  }

  /** What the current user may do, if that was looked up since anything in the catalog changed; else null. */
  get currentRights(): Rights | null {
    const known = this.#known;
    if (known === null) return null;
    const session = this.#session;
    const { userId, writtenPath } = session.settings.derived;
    const { catalog } = session.server;
    const same = known.epoch === catalog.epoch && known.userId === userId && known.path === pathText(writtenPath);
    return same && !session.transactionCatalog().changed && catalog.leaseUsable() ? known.rights : null;
  }

  /** What the current user may do, as it is now. */
  async refresh(): Promise<Rights> {
    const session = this.#session;
    const { userId, writtenPath } = session.settings.derived;
    if (userId === SUPERUSER_OID) return Rights.all(SUPERUSER_OID);
    const current = this.currentRights;
    if (current !== null) return current;
    const { epoch } = session.server.catalog;
    const tc = session.transactionCatalog();
    const path = pathText(writtenPath);
    const rights = await this.rightsOf(userId);
    const hidden: string[] = [];
    for (const schema of writtenPath) if (!(await this.#mayUse(schema, rights))) hidden.push(schema);
    // What an own change gives goes with it if that is undone.
    this.#known = { epoch: tc.changed ? OWN_EPOCH : epoch, userId, path, rights };
    session.settings.setAccess({ hidden: new Set(hidden), key: tc.changed ? `${epoch} own` : String(epoch) });
    return rights;
  }

  async #mayUse(schema: string, rights: Rights): Promise<boolean> {
    if (rights.superuser || isTemporarySchemaName(schema)) return true;
    const session = this.#session;
    const tc = session.transactionCatalog();
    const id = await tc.schemaId(schema);
    if (id === null) return true;
    const acl = await aclOfSchema(tc, id, session.waitOptions());
    return acl === null || (schemaRights(rights, acl) & RIGHTS.usage) !== 0;
  }

  /** Of somebody else than the current user: a view's owner. */
  async rightsOf(userId: number): Promise<Rights> {
    if (userId === SUPERUSER_OID) return Rights.all(userId);
    const session = this.#session;
    const tc = session.transactionCatalog();
    const role = await roleById(tc, userId, session.waitOptions());
    // Its privileges went with it.
    if (role === null) throw sqlError('42704', `role with OID ${userId} does not exist`);
    const database = (await tc.peek(session.databaseId, session.waitOptions())) as DatabaseDescriptor | null;
    const membership: Membership = await membershipOf(
      tc,
      role,
      database?.owner ?? SUPERUSER_OID,
      session.waitOptions(),
    );
    return new Rights(membership);
  }

  /** Before a schema is used that the statement names. @throws QuoralError 42501 */
  async checkSchema(id: number, name: string): Promise<void> {
    const rights = await this.refresh();
    const session = this.#session;
    const acl = rights.superuser ? null : await aclOfSchema(session.transactionCatalog(), id, session.waitOptions());
    if (acl !== null && (schemaRights(rights, acl) & RIGHTS.usage) === 0)
      throw sqlError('42501', `permission denied for schema ${name}`);
  }

  /** To run code in it at once. @throws QuoralError 42501 */
  async checkLanguage(name: string): Promise<void> {
    const rights = await this.refresh();
    if (rights.superuser) return;
    const session = this.#session;
    const found = await session.transactionCatalog().peek(session.databaseId, session.waitOptions());
    if (!rights.has(languageAcl(found as DatabaseDescriptor | null, languageOid(name)!), RIGHTS.usage))
      throw sqlError('42501', `permission denied for language ${name}`);
  }

  /** One of the rights will do. A column's sequence is used with the column. @throws QuoralError 42501 */
  async checkSequence(sequence: SequenceDescriptor, rights: number): Promise<void> {
    const own = await this.refresh();
    const held = own.superuser ? ~0 : wholeRights(own, sequence);
    if ((held & rights) !== 0) return;
    const session = this.#session;
    const { ownedBy } = sequence;
    const table =
      ownedBy === null ? null : await session.transactionCatalog().descriptor(ownedBy.tableId, session.waitOptions());
    if (table?.kind === 'table') {
      const column = table.columns.find(({ id }) => id === ownedBy!.columnId);
      const mayInsert = (wholeRights(own, table) & RIGHTS.insert) !== 0 || mayInsertColumn(own, table);
      if (column?.identity != null && mayInsert) return;
    }
    throw sqlError('42501', `permission denied for sequence ${sequence.name}`);
  }

  /** For what a session has of a sequence, of which it has the descriptor. @throws QuoralError 42501 */
  checkCurrent(id: number): void {
    if (this.isSuperuser) return;
    const sequence = this.#session.transactionCatalog().known(id);
    if (sequence?.kind !== 'sequence') return;
    if ((wholeRights(this.rights, sequence) & (RIGHTS.select | RIGHTS.usage)) === 0)
      throw sqlError('42501', `permission denied for sequence ${sequence.name}`);
  }

  // ---- SET ROLE, SET SESSION AUTHORIZATION ----

  /** @throws QuoralError 22023, 42501 */
  async prepareRole(setting: 'role' | 'session_authorization', name: string): Promise<void> {
    const session = this.#session;
    const wait = session.waitOptions();
    const tc = session.transactionCatalog();
    if (this.#definers.length > 0)
      throw sqlError('42501', `cannot set parameter "${setting}" within security-definer function`);
    if (setting === 'role' && name === 'none') return;
    const role = await requireRole(tc, name, wait).catch((error: unknown) => {
      if ((error as { sqlstate?: string }).sqlstate !== '42704') throw error;
      throw sqlError('22023', `role "${name}" does not exist`);
    });
    const sessionId = setting === 'role' ? this.sessionUser.id : this.#login.id;
    const rights = await this.rightsOf(sessionId);
    if (setting === 'role' && !rights.superuser && !rights.membership.all.has(role.id))
      throw sqlError('42501', `permission denied to set role "${name}"`);
    if (setting === 'session_authorization' && !rights.superuser && role.id !== this.#login.id)
      throw sqlError('42501', 'permission denied to set session authorization');
    this.#found.set(name, role);
  }

  /** Runs something as the owner of a function. */
  async asOwner<T>(ownerId: number, run: () => Promise<T>): Promise<T> {
    const session = this.#session;
    const { settings } = session;
    const before = { known: this.#known, access: settings.access };
    this.#definers.push({ id: ownerId, name: await this.#nameOf(ownerId) });
    settings.changeUser();
    try {
      await this.refresh();
      return await run();
    } finally {
      this.#definers.pop();
      this.#known = before.known;
      settings.setAccess(before.access);
    }
  }

  async #nameOf(id: number): Promise<string> {
    if (id === SUPERUSER_OID) return SUPERUSER;
    const session = this.#session;
    const role = await roleById(session.transactionCatalog(), id, session.waitOptions());
    if (role === null) throw sqlError('42704', `role with OID ${id} does not exist`);
    return role.name;
  }
}

function pathText(path: readonly string[]): string {
  return path.length === 1 ? path[0]! : path.join('\0');
}

function mayInsertColumn(rights: Rights, { columns }: TableDescriptor): boolean {
  return columns.some(({ acl }) => acl != null && rights.has(acl, RIGHTS.insert));
}

/** What everybody may do with a database without a list. */
export function mayConnect(database: DatabaseDescriptor, membership: Membership): boolean {
  const acl = database.acl ?? defaultAcl('database', database.owner);
  if (membership.role.superuser) return true;
  return (rightsOf(acl, (id) => membership.inherited.has(id)) & RIGHTS.connect) !== 0;
}
