/**
 * Which range holds a key: a cache of range descriptors ordered by start key, filled from /meta.
 *
 * Nothing here needs to be right, only to become right: a batch that reaches a range which does not
 * hold its keys is refused unevaluated (range-mismatch), and the refusal carries newer descriptors.
 *
 * Invariants
 * - Cached ranges never overlap. Where two descriptors disagree, the higher generation wins; only for an address
 *   that nothing newer holds, what /meta says is taken in its place (who is asked then, tells better).
 * - The range at KEY_MIN holds /meta, so its entry is never dropped, only replaced: without it no
 *   other range could be found. `seed` puts it in at start, from the local store.
 * - Concurrent look-ups of one key share one read of /meta.
 * - A look-up waits for no lock: a split that was abandoned half-way holds locks on /meta, and to find out what
 *   became of it its record must be found, which needs a look-up. It reads past locks, and so may
 *   see one half of a split resolved and the other not, with a gap between them. Only into a gap it looks
 *   again and waits: then the split is committed, and its record's place (the left half) can be seen.
 *
 * Fails: `lookup` throws what the read of /meta throws (unavailable after the router's deadline).
 * Bound: ENTRIES_MAX ranges; above that everything but the first range is forgotten at once.
 */
import { KEY_MIN, type Key } from '../base/key.js';
import type { NodeId } from '../base/ids.js';
import type { RangeDescriptor } from '../range/kv-api.js';
import { KvError } from '../range/kv-errors.js';

const ENTRIES_MAX = 65_536;

export interface RangeEntry {
  readonly descriptor: RangeDescriptor;
  /** Who answered last or was named by a replica; 0 = not known. */
  leaseholder: NodeId;
}

/**
 * Reads from /meta the range that holds the address, or (before) the keys just before it; past the locks that
 * are there, or once they are gone.
 */
export type FetchDescriptors = (
  address: Key,
  before: boolean,
  locks: 'past' | 'block',
) => Promise<readonly RangeDescriptor[]>;

function holds({ start, end }: RangeDescriptor, address: Key, before: boolean): boolean {
  return before ? start < address && address <= end : start <= address && address < end;
}

export class RangeDirectory {
  readonly #fetch: FetchDescriptors;
  #entries: RangeEntry[] = [];
  readonly #lookups = new Map<Key, Promise<RangeEntry>>();
  lookups = 0;

  constructor(fetch: FetchDescriptors) {
    this.#fetch = fetch;
  }

  get size(): number {
    return this.#entries.length;
  }

  seed(descriptors: readonly RangeDescriptor[]): void {
    for (const descriptor of descriptors) this.insert(descriptor);
  }

  /** The cached range that holds the address. */
  cached(address: Key): RangeEntry | null {
    const entry = this.#entries[this.#floor(address)];
    return entry !== undefined && address < entry.descriptor.end ? entry : null;
  }

  /** The cached range that holds the keys just before `end`, where a reverse scan begins. */
  cachedBefore(end: Key): RangeEntry | null {
    let at = this.#floor(end);
    if (at >= 0 && this.#entries[at]!.descriptor.start === end) at--;
    const entry = this.#entries[at];
    return entry !== undefined && end <= entry.descriptor.end ? entry : null;
  }

  lookupBefore(end: Key): Promise<RangeEntry> {
    const known = this.cachedBefore(end);
    return known !== null ? Promise.resolve(known) : this.#coalesced(end, true);
  }

  lookup(address: Key): Promise<RangeEntry> {
    const known = this.cached(address);
    return known !== null ? Promise.resolve(known) : this.#coalesced(address, false);
  }

  /** Takes in a descriptor unless something newer is known (`older`: even then); true if the cache changed. */
  insert(descriptor: RangeDescriptor, older = false): boolean {
    const first = Math.max(0, this.#floor(descriptor.start));
    let from = first;
    if (from < this.#entries.length && this.#entries[from]!.descriptor.end <= descriptor.start) from++;
    let to = from;
    let leaseholder: NodeId = 0;
    for (; to < this.#entries.length; to++) {
      const other = this.#entries[to]!;
      if (other.descriptor.start >= descriptor.end) break;
      const same = other.descriptor.rangeId === descriptor.rangeId;
      const { generation } = other.descriptor;
      if (!older && (same ? generation >= descriptor.generation : generation > descriptor.generation)) return false;
      if (same || (leaseholder === 0 && other.descriptor.start <= descriptor.start)) leaseholder = other.leaseholder;
    }
    if (!descriptor.replicas.some((r) => r.nodeId === leaseholder)) leaseholder = 0;
    this.#entries.splice(from, to - from, { descriptor, leaseholder });
    if (this.#entries.length > ENTRIES_MAX) this.#entries.splice(1);
    return true;
  }

  /** Forgets a range that turned out not to be as cached. */
  evict(descriptor: RangeDescriptor): void {
    if (descriptor.start <= KEY_MIN) return;
    const at = this.#floor(descriptor.start);
    const entry = this.#entries[at];
    if (entry === undefined || entry.descriptor.rangeId !== descriptor.rangeId) return;
    if (entry.descriptor.generation <= descriptor.generation) this.#entries.splice(at, 1);
  }

  /** Cached ranges in key order, for display. */
  all(): readonly RangeEntry[] {
    return this.#entries;
  }

  #coalesced(address: Key, before: boolean): Promise<RangeEntry> {
    const id = (before ? '<' : '=') + address;
    let running = this.#lookups.get(id);
    if (running === undefined) {
      running = this.#read(address, before).finally(() => this.#lookups.delete(id));
      this.#lookups.set(id, running);
    }
    return running;
  }

  async #read(address: Key, before: boolean): Promise<RangeEntry> {
    this.lookups++;
    for (const locks of ['past', 'block'] as const) {
      const found = await this.#fetch(address, before, locks);
      for (const descriptor of found) this.insert(descriptor);
      const entry = this.#entryFor(address, before);
      if (entry !== null) return entry;
      for (const descriptor of found) if (holds(descriptor, address, before)) this.insert(descriptor, true);
      const older = this.#entryFor(address, before);
      if (older !== null) return older;
    }
    throw new KvError({ kind: 'unavailable', reason: 'no range is known to hold the key' });
  }

  #entryFor(address: Key, before: boolean): RangeEntry | null {
    return before ? this.cachedBefore(address) : this.cached(address);
  }

  /** Index of the last entry that starts at or before the address; -1 if there is none. */
  #floor(address: Key): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#entries[middle]!.descriptor.start <= address) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
