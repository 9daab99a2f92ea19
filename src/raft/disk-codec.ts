/**
 * Encodings of what Raft keeps on disk. Fixed-width big-endian binary, because an entry is encoded
 * and decoded for every write: a protobuf writer costs several times as much. Golden bytes in
 * test/raft pin them; a change needs a new version byte.
 *
 *   entry           type u8 (0 normal, 1 conf-change) · term u48 · data          (index: in the key)
 *   hard state      version u8 = 1 · term u48 · vote u32 · commit u48 · lead u32 · leadEpoch u48
 *   truncated state version u8 = 1 · index u48 · term u48
 *   conf state      version u8 = 1 · autoLeave u8 · 4 × (count u16 · node u32 …)
 *   conf change     version u8 = 1 · transition u8 · count u16 · (kind u8 · node u32)… · context
 * Keys: 'r' · range u48 · kind; the log's keys end in index u48, so that they sort by index.
 */
import { assert, unreachable } from '../base/assert.js';
import { QuoralError } from '../base/errors.js';
import type { NodeId, RangeId } from '../base/ids.js';
import type { Key } from '../base/key.js';
import type { ConfChange, ConfChangeKind, ConfState, Entry, EntryType, HardState } from './types.js';

const VERSION = 1;
const U48_MAX = 2 ** 48 - 1;
const ENTRY_HEADER_BYTES = 7;
const HARD_STATE_BYTES = 27;
const TRUNCATED_BYTES = 13;

export interface TruncatedState {
  readonly index: number;
  readonly term: number;
}

function u48String(value: number): string {
  assert(value >= 0 && value <= U48_MAX, 'a number beyond 48 bits');
  const high = Math.floor(value / 0x1000000);
  const low = value % 0x1000000;
  return String.fromCharCode(high >>> 16, (high >>> 8) & 0xff, high & 0xff, low >>> 16, (low >>> 8) & 0xff, low & 0xff);
}

function rangePrefix(rangeId: RangeId): Key {
  return 'r' + u48String(rangeId);
}

export function logKey(rangeId: RangeId, index: number): Key {
  return rangePrefix(rangeId) + 'l' + u48String(index);
}

/** The index in a key made by logKey. */
export function logKeyIndex(key: Key): number {
  let index = 0;
  for (let i = key.length - 6; i < key.length; i++) index = index * 256 + key.charCodeAt(i);
  return index;
}

export function hardStateKey(rangeId: RangeId): Key {
  return rangePrefix(rangeId) + 'h';
}

export function truncatedStateKey(rangeId: RangeId): Key {
  return rangePrefix(rangeId) + 't';
}

/** Belongs with the applied state, not with the log: it is the configuration as of the applied index. */
export function confStateKey(rangeId: RangeId): Key {
  return rangePrefix(rangeId) + 'c';
}

/** Everything of a range: [start, end). */
export function rangeLogSpan(rangeId: RangeId): { readonly start: Key; readonly end: Key } {
  return { start: rangePrefix(rangeId), end: rangePrefix(rangeId + 1) };
}

function corrupted(what: string): QuoralError {
  return new QuoralError('XX001', `the Raft ${what} on disk is corrupted`, {
    fields: { hint: 'Remove this node and let its replicas be rebuilt from the others.' },
  });
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** @throws QuoralError XX001 */
function checkVersion(buffer: Buffer, bytesMin: number, what: string): void {
  if (buffer.length < bytesMin || buffer[0] !== VERSION) throw corrupted(what);
}

export function encodeEntry(entry: Entry): Buffer {
  const buffer = Buffer.allocUnsafe(ENTRY_HEADER_BYTES + entry.data.length);
  buffer[0] = entry.type === 'normal' ? 0 : 1;
  buffer.writeUIntBE(entry.term, 1, 6);
  buffer.set(entry.data, ENTRY_HEADER_BYTES);
  return buffer;
}

/** The data is a view of `bytes`, which must not change. @throws QuoralError XX001 */
export function decodeEntry(index: number, bytes: Uint8Array): Entry {
  const buffer = asBuffer(bytes);
  if (buffer.length < ENTRY_HEADER_BYTES || buffer[0]! > 1) throw corrupted('log entry');
  const type: EntryType = buffer[0] === 0 ? 'normal' : 'conf-change';
  return { term: buffer.readUIntBE(1, 6), index, type, data: buffer.subarray(ENTRY_HEADER_BYTES) };
}

export function encodeHardState(state: HardState): Buffer {
  const buffer = Buffer.allocUnsafe(HARD_STATE_BYTES);
  buffer[0] = VERSION;
  buffer.writeUIntBE(state.term, 1, 6);
  buffer.writeUInt32BE(state.vote, 7);
  buffer.writeUIntBE(state.commit, 11, 6);
  buffer.writeUInt32BE(state.lead, 17);
  buffer.writeUIntBE(state.leadEpoch, 21, 6);
  return buffer;
}

/** @throws QuoralError XX001 */
export function decodeHardState(bytes: Uint8Array): HardState {
  const buffer = asBuffer(bytes);
  checkVersion(buffer, HARD_STATE_BYTES, 'hard state');
  return {
    term: buffer.readUIntBE(1, 6),
    vote: buffer.readUInt32BE(7),
    commit: buffer.readUIntBE(11, 6),
    lead: buffer.readUInt32BE(17),
    leadEpoch: buffer.readUIntBE(21, 6),
  };
}

export function encodeTruncatedState(state: TruncatedState): Buffer {
  const buffer = Buffer.allocUnsafe(TRUNCATED_BYTES);
  buffer[0] = VERSION;
  buffer.writeUIntBE(state.index, 1, 6);
  buffer.writeUIntBE(state.term, 7, 6);
  return buffer;
}

/** @throws QuoralError XX001 */
export function decodeTruncatedState(bytes: Uint8Array): TruncatedState {
  const buffer = asBuffer(bytes);
  checkVersion(buffer, TRUNCATED_BYTES, 'truncated state');
  return { index: buffer.readUIntBE(1, 6), term: buffer.readUIntBE(7, 6) };
}

export function encodeConfState(conf: ConfState): Buffer {
  const lists = [conf.voters, conf.votersOutgoing, conf.learners, conf.learnersNext];
  const count = lists.reduce((sum, list) => sum + list.length, 0);
  const buffer = Buffer.allocUnsafe(2 + 2 * lists.length + 4 * count);
  buffer[0] = VERSION;
  buffer[1] = conf.autoLeave ? 1 : 0;
  let at = 2;
  for (const list of lists) {
    at = buffer.writeUInt16BE(list.length, at);
    for (const id of list) at = buffer.writeUInt32BE(id, at);
  }
  return buffer;
}

/** @throws QuoralError XX001 */
export function decodeConfState(bytes: Uint8Array): ConfState {
  const buffer = asBuffer(bytes);
  checkVersion(buffer, 2, 'configuration');
  let at = 2;
  const list = (): NodeId[] => {
    if (at + 2 > buffer.length) throw corrupted('configuration');
    const count = buffer.readUInt16BE(at);
    at += 2;
    if (at + 4 * count > buffer.length) throw corrupted('configuration');
    const ids: NodeId[] = [];
    for (let i = 0; i < count; i++, at += 4) ids.push(buffer.readUInt32BE(at));
    return ids;
  };
  const voters = list();
  const votersOutgoing = list();
  const learners = list();
  const learnersNext = list();
  return { voters, votersOutgoing, learners, learnersNext, autoLeave: buffer[1] === 1 };
}

const TRANSITIONS: readonly ConfChange['transition'][] = ['auto', 'joint-implicit', 'joint-explicit'];

function kindCode(kind: ConfChangeKind): number {
  switch (kind) {
    case 'add-voter':
      return 0;
    case 'add-learner':
      return 1;
    case 'remove':
      return 2;
    default:
      return unreachable(kind);
  }
}
const KINDS: readonly ConfChangeKind[] = ['add-voter', 'add-learner', 'remove'];

export function encodeConfChange(change: ConfChange): Buffer {
  const header = 4 + 5 * change.changes.length;
  const buffer = Buffer.allocUnsafe(header + change.context.length);
  buffer[0] = VERSION;
  buffer[1] = TRANSITIONS.indexOf(change.transition);
  let at = buffer.writeUInt16BE(change.changes.length, 2);
  for (const { kind, node } of change.changes) {
    at = buffer.writeUInt8(kindCode(kind), at);
    at = buffer.writeUInt32BE(node, at);
  }
  buffer.set(change.context, header);
  return buffer;
}

/** @throws QuoralError XX001 */
export function decodeConfChange(bytes: Uint8Array): ConfChange {
  const buffer = asBuffer(bytes);
  checkVersion(buffer, 4, 'configuration change');
  const transition = TRANSITIONS[buffer[1]!];
  const count = buffer.readUInt16BE(2);
  const header = 4 + 5 * count;
  if (transition === undefined || buffer.length < header) throw corrupted('configuration change');
  const changes: { kind: ConfChangeKind; node: NodeId }[] = [];
  for (let at = 4; at < header; at += 5) {
    const kind = KINDS[buffer[at]!];
    if (kind === undefined) throw corrupted('configuration change');
    changes.push({ kind, node: buffer.readUInt32BE(at + 1) });
  }
  return { changes, transition, context: buffer.subarray(header) };
}
