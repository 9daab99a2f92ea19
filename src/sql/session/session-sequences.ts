/**
 * What a session knows of sequences: the values that it drew, for currval and lastval; what it may do with one is asked first.
 */
import { sqlError } from '../../base/errors.js';
import { RIGHTS } from '../catalog/acl.js';
import type { SequenceDescriptor } from '../catalog/descriptor.js';
import { wholeRights } from '../catalog/rights.js';
import type { Sequences } from '../catalog/sequences.js';
import type { Soon } from '../../base/soon.js';
import { splitName } from '../types/identifiers.js';
import { missingRelation } from '../types/reg-names.js';
import { SequenceNames } from './sequence-names.js';
import type { ServiceHost } from './services.js';

type Host = Pick<ServiceHost, 'modes' | 'roles' | 'settings' | 'temporaries' | 'transactionCatalog' | 'waitOptions'>;

/** Names as the session finds them without waiting. */
interface Names {
  relationOid(name: string): number | null;
  relationName(oid: number): string | null;
  schemaId(name: string): number | null;
  /** They are those of the whole catalog, not what the node happens to have met. */
  whole(): boolean;
}

export class SessionSequences {
  readonly #host: Host;
  readonly #sequences: Sequences;
  readonly #catalog: Names;
  readonly #current = new Map<number, bigint>();
  #last: { id: number; value: bigint } | null = null;
  readonly #names = new SequenceNames();

  constructor(host: Host, sequences: Sequences, catalog: Names) {
    this.#host = host;
    this.#sequences = sequences;
    this.#catalog = catalog;
  }

  async #sequence(sequence: string | number): Promise<SequenceDescriptor> {
    const tc = this.#host.transactionCatalog();
    const wait = this.#host.waitOptions();
    if (typeof sequence === 'number') {
      const d = await tc.descriptor(sequence, wait);
      if (d?.kind === 'sequence') return d;
      if (d?.kind === 'table') throw sqlError('42809', `"${d.name}" is not a sequence`);
      throw sqlError('42P01', `could not open relation with OID ${sequence}`);
    }
    const parts = splitName(sequence);
    const name = { schema: parts.length > 1 ? parts[parts.length - 2]! : null, name: parts[parts.length - 1]! };
    const found = await tc.relation(name, this.#host.settings.derived.searchPath, wait);
    if (found === null) throw missingRelation(sequence, (schema) => this.#catalog.schemaId(schema));
    if (found.kind !== 'sequence') throw sqlError('42809', `"${name.name}" is not a sequence`);
    this.#names.learn(sequence, found.sequence.id);
    return found.sequence;
  }

  /** @throws QuoralError 42501 */
  async #mayUse(d: SequenceDescriptor, rights: number): Promise<void> {
    if (this.#host.roles.mustAsk) await this.#host.roles.checkSequence(d, rights);
  }

  async nextval(sequence: string | number): Promise<bigint> {
    const d = await this.#sequence(sequence);
    await this.#mayUse(d, RIGHTS.usage | RIGHTS.update);
    this.#mayMove(d, 'nextval');
    const value = await this.#sequences.nextval(d);
    this.#current.set(d.id, value);
    this.#last = { id: d.id, value };
    return value;
  }

  async state(sequence: number): Promise<{ value: bigint; isCalled: boolean }> {
    return this.#sequences.lastValue(await this.#sequence(sequence));
  }

  async lastValues(sequences: readonly SequenceDescriptor[]): Promise<readonly (bigint | null)[]> {
    const { rights } = this.#host.roles;
    const values = await this.#sequences.lastValues(sequences);
    return values.map((value, i) =>
      (wholeRights(rights, sequences[i]!) & (RIGHTS.usage | RIGHTS.select)) === 0 ? null : value,
    );
  }

  currval(sequence: string | number): Soon<bigint> {
    let id = typeof sequence === 'number' ? sequence : this.#catalog.relationOid(sequence);
    if (!this.#catalog.whole()) id ??= this.#names.find(String(sequence), this.#host.transactionCatalog());
    const value = id === null ? undefined : this.#current.get(id);
    if (value !== undefined) return this.#host.roles.mustAsk ? this.#askedFor(id!, value) : value;
    if (id === null) throw missingRelation(String(sequence), (schema) => this.#catalog.schemaId(schema));
    const name = splitName(this.#catalog.relationName(id) ?? String(sequence)).at(-1);
    throw sqlError('55000', `currval of sequence "${name}" is not yet defined in this session`);
  }

  /** Who drew a value may have lost the right to it since. @throws QuoralError 42501 */
  async #askedFor(id: number, value: bigint): Promise<bigint> {
    await this.#host.transactionCatalog().descriptor(id, this.#host.waitOptions());
    this.#host.roles.checkCurrent(id);
    return value;
  }

  async setval(sequence: string | number, value: bigint, isCalled: boolean): Promise<bigint> {
    const d = await this.#sequence(sequence);
    await this.#mayUse(d, RIGHTS.update);
    this.#mayMove(d, 'setval');
    await this.#sequences.setval(d, value, isCalled);
    if (isCalled) this.#current.set(d.id, value);
    return value;
  }

  /** A read-only transaction moves the session's own temporary sequences only. @throws QuoralError 25006 */
  #mayMove(d: SequenceDescriptor, call: string): void {
    if (this.#host.modes.readOnly && d.schemaId !== this.#host.temporaries.schemaId)
      throw sqlError('25006', `cannot execute ${call}() in a read-only transaction`);
  }
  async lastval(): Promise<bigint> {
    const tc = this.#host.transactionCatalog();
    if (this.#last === null || (await tc.descriptor(this.#last.id, this.#host.waitOptions())) === null)
      throw sqlError('55000', 'lastval is not yet defined in this session');
    this.#host.roles.checkCurrent(this.#last.id);
    return this.#current.get(this.#last.id) ?? this.#last.value;
  }

  discard(): void {
    this.#current.clear();
    this.#names.clear();
    this.#last = null;
  }
}
