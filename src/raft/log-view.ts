/**
 * The log as the core sees it: the stable log of RaftStorage with the entries (or snapshot) that
 * are not yet durable laid over it.
 *
 * Indexes:  truncated < applied <= applying <= committed <= last;  stable < offset = stable + 1.
 * - Storage is asked only below `offset`; from there on the overlay answers.
 * - Writes in flight are remembered by sequence. When an index is overwritten, every write in flight
 *   that reached it is clamped, so a late confirmation of the old entries never counts for the new
 *   ones, even if a third version has the same index and term as the first (ABA).
 * - Entries are handed out for applying only when they are durable here.
 * - While `stateless` none are: what they would be applied to is gone or half replaced. The log is as good
 *   as ever (it was acknowledged, and votes rest on it); a snapshot ends this, and what the log has
 *   beyond it is handed out from there.
 */
import { assert } from '../base/assert.js';
import { mark } from '../base/probes.js';
import type { Entry, RaftStorage, SnapshotMeta } from './types.js';

/** What an entry costs besides its data, in messages and in limits. */
export const ENTRY_OVERHEAD_BYTES = 16;

export function entryBytes(entry: Entry): number {
  return entry.data.length + ENTRY_OVERHEAD_BYTES;
}

interface InflightWrite {
  readonly sequence: number;
  /** Last index that this write makes durable; lowered when the entries are overwritten. */
  index: number;
  snapshot: SnapshotMeta | null;
}

const NO_ENTRIES: readonly Entry[] = [];

export class LogView {
  readonly #storage: RaftStorage;
  #unstable: Entry[] = [];
  #offset: number;
  #snapshot: SnapshotMeta | null = null;
  #snapshotHanded = true;
  /** Last index handed to the log writer. */
  #handed: number;
  #inflight: InflightWrite[] = [];
  #committed: number;
  #applying: number;
  #applied: number;
  #stateless: boolean;

  constructor(storage: RaftStorage, applied: number, stateless = false) {
    this.#storage = storage;
    this.#stateless = stateless;
    const last = storage.lastIndex();
    const truncated = storage.truncated().index;
    assert(applied >= truncated, 'the log is truncated beyond the applied index');
    assert(applied <= last, 'entries were applied that the log does not hold');
    this.#offset = last + 1;
    this.#handed = last;
    // The commit index is persisted lazily; what was applied was committed.
    this.#committed = Math.max(storage.hardState().commit, applied);
    assert(this.#committed <= last, 'the commit index lies beyond the log');
    this.#applying = applied;
    this.#applied = applied;
  }

  get committed(): number {
    return this.#committed;
  }
  get applied(): number {
    return this.#applied;
  }
  get applying(): number {
    return this.#applying;
  }
  get stableIndex(): number {
    return this.#offset - 1;
  }
  get lastIndex(): number {
    return this.#offset + this.#unstable.length - 1;
  }
  /** There is no state to apply entries to. */
  get stateless(): boolean {
    return this.#stateless;
  }
  get writesInFlight(): number {
    return this.#inflight.length;
  }
  /** A snapshot has been accepted and is not installed yet. */
  get restoring(): boolean {
    return this.#snapshot !== null;
  }

  firstIndex(): number {
    return (this.#snapshot ?? this.#storage.truncated()).index + 1;
  }

  lastTerm(): number {
    const term = this.term(this.lastIndex);
    assert(term !== null, 'the term of the last entry is always known');
    return term;
  }

  /** null if compacted or not there. */
  term(index: number): number | null {
    if (index >= this.#offset) return this.#unstable[index - this.#offset]?.term ?? null;
    if (this.#snapshot !== null) {
      return index === this.#snapshot.index ? this.#snapshot.term : null;
    }
    const truncated = this.#storage.truncated();
    if (index <= truncated.index) return index === truncated.index ? truncated.term : null;
    return this.#storage.term(index);
  }

  matchTerm(index: number, term: number): boolean {
    return this.term(index) === term;
  }

  isUpToDate(index: number, term: number): boolean {
    const lastTerm = this.lastTerm();
    return term > lastTerm || (term === lastTerm && index >= this.lastIndex);
  }

  /** Entries in [lo, hi), bounded by bytes but at least one; null if compacted. */
  slice(lo: number, hi: number, bytesMax: number): readonly Entry[] | null {
    if (lo >= hi) return NO_ENTRIES;
    if (lo < this.firstIndex()) return null;
    let stored: readonly Entry[] = NO_ENTRIES;
    let bytes = 0;
    if (lo < this.#offset) {
      const end = Math.min(hi, this.#offset);
      const found = this.#storage.entries(lo, end, bytesMax);
      if (found === null) return null;
      assert(found.length > 0, 'storage lost a stable entry');
      stored = found;
      if (lo + found.length < end || hi <= this.#offset) return found;
      for (const entry of found) bytes += entryBytes(entry);
    }
    const from = Math.max(lo, this.#offset) - this.#offset;
    const limit = hi - this.#offset;
    let to = from;
    while (to < limit) {
      bytes += entryBytes(this.#unstable[to]!);
      if (bytes > bytesMax && (to > from || stored.length > 0)) break;
      to++;
    }
    const tail = this.#unstable.slice(from, to);
    return stored.length === 0 ? tail : [...stored, ...tail];
  }

  /** Appends; what is there from the first index on is replaced. */
  append(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    const first = entries[0]!.index;
    assert(first > this.#committed, 'a committed entry must never be overwritten');
    assert(first <= this.lastIndex + 1, 'a gap in the log');
    if (first <= this.lastIndex) this.#truncateFrom(first);
    for (const entry of entries) this.#unstable.push(entry);
  }

  #truncateFrom(first: number): void {
    mark('append-conflict-truncates-log');
    if (first < this.#offset) {
      this.#offset = first;
      this.#unstable = [];
    } else {
      this.#unstable.length = first - this.#offset;
    }
    this.#handed = Math.min(this.#handed, first - 1);
    for (const write of this.#inflight) write.index = Math.min(write.index, first - 1);
  }

  /**
   * Appends what a leader sent if the entry before it matches.
   * @returns the last index that now matches the leader's log, or null on a mismatch.
   */
  maybeAppend(previous: number, previousTerm: number, entries: readonly Entry[], commit: number): number | null {
    if (!this.matchTerm(previous, previousTerm)) return null;
    const last = previous + entries.length;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!;
      if (!this.matchTerm(entry.index, entry.term)) {
        this.append(i === 0 ? entries : entries.slice(i));
        break;
      }
    }
    this.commitTo(Math.min(commit, last));
    return last;
  }

  /**
   * The largest index at or below `index` whose term is at most `term`: everything between would be
   * refused anyway, so one round trip skips a whole term.
   */
  findConflictByTerm(index: number, term: number): { index: number; term: number } {
    let at = index;
    for (; at > 0; at--) {
      const own = this.term(at);
      if (own === null) return { index: at, term: 0 };
      if (own <= term) return { index: at, term: own };
    }
    return { index: 0, term: 0 };
  }

  commitTo(index: number): void {
    if (index <= this.#committed) return;
    assert(index <= this.lastIndex, 'commit beyond the end of the log');
    this.#committed = index;
  }

  /** The state machine is about to be replaced by a snapshot's. */
  loseState(): void {
    this.#stateless = true;
  }

  /** The log holds this index, and the state machine is now as it was there. */
  regainState(index: number): void {
    assert(this.#stateless, 'a snapshot over a state that goes on');
    assert(index >= this.firstIndex() - 1 && index <= this.lastIndex, 'a state that the log cannot go on from');
    mark('snapshot-inside-log');
    this.commitTo(index);
    this.#stateless = false;
    this.#applying = index;
    this.#applied = index;
  }

  restore(snapshot: SnapshotMeta): void {
    assert(snapshot.index > this.#committed, 'a snapshot must not go back');
    this.#stateless = false;
    this.#committed = snapshot.index;
    this.#offset = snapshot.index + 1;
    this.#unstable = [];
    this.#handed = snapshot.index;
    this.#snapshot = snapshot;
    this.#snapshotHanded = false;
    for (const write of this.#inflight) write.index = 0;
  }

  hasWrites(): boolean {
    return !this.#snapshotHanded || this.#handed < this.lastIndex;
  }

  /** Hands the entries (and snapshot) that are not yet on their way to the log writer. */
  take(): { entries: readonly Entry[]; snapshot: SnapshotMeta | null } {
    const snapshot = this.#snapshotHanded ? null : this.#snapshot;
    this.#snapshotHanded = true;
    const entries = this.#handed < this.lastIndex ? this.#unstable.slice(this.#handed + 1 - this.#offset) : NO_ENTRIES;
    this.#handed = this.lastIndex;
    return { entries, snapshot };
  }

  /** Remembers that what was taken, up to `index` (0: no entries), is being written. */
  writing(sequence: number, index: number, snapshot: SnapshotMeta | null): void {
    this.#inflight.push({ sequence, index, snapshot });
  }

  /** Every write up to `sequence` is durable; without it, the oldest in flight is. */
  stableTo(sequence: number | undefined): number {
    const until = sequence ?? this.#inflight[0]?.sequence ?? 0;
    while (this.#inflight.length > 0 && this.#inflight[0]!.sequence <= until) {
      const write = this.#inflight.shift()!;
      if (write.snapshot !== null && write.snapshot === this.#snapshot) {
        this.#snapshot = null;
        this.#applying = Math.max(this.#applying, write.snapshot.index);
        this.#applied = Math.max(this.#applied, write.snapshot.index);
      }
      if (write.index >= this.#offset) {
        this.#unstable.splice(0, write.index - this.#offset + 1);
        this.#offset = write.index + 1;
      }
    }
    return until;
  }

  hasCommitted(): boolean {
    return !this.#stateless && this.#snapshot === null && this.#applying < Math.min(this.#committed, this.#offset - 1);
  }

  /** The next entries to apply, each handed out once. */
  takeCommitted(bytesMax: number): readonly Entry[] {
    if (!this.hasCommitted()) return NO_ENTRIES;
    const end = Math.min(this.#committed, this.#offset - 1);
    const entries = this.slice(this.#applying + 1, end + 1, bytesMax);
    assert(entries !== null && entries.length > 0, 'an entry to apply has been truncated');
    this.#applying += entries.length;
    return entries;
  }

  appliedTo(index: number): void {
    if (index <= this.#applied) return;
    assert(index <= this.#applying, 'applied what was never handed out');
    this.#applied = index;
  }
}
