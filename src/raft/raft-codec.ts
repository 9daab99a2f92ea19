/**
 * Batches of Raft messages ↔ protobuf (proto/raft.proto). Written by hand over one buffer, because
 * these are the most frequent bytes between nodes: no array per field, no bigint, entries' data copied
 * once on sending and never on receiving. A test holds it equal to the generated codec.
 * Snapshot metadata is rare and goes through the generated code.
 *
 * Bad input: QuoralError 08P01; unknown fields are skipped, as protobuf demands.
 */
import { assert } from '../base/assert.js';
import { QuoralError } from '../base/errors.js';
import type { RangeId } from '../base/ids.js';
import { RaftSnapshotMeta } from '../encoding/proto/raft.js';
import type { Entry, RaftMessage } from './types.js';

export * from './disk-codec.js';

export interface RangeMessage {
  readonly rangeId: RangeId;
  readonly message: RaftMessage;
}

/** Position + 1 is the number on the wire. */
const TYPES: readonly RaftMessage['type'][] = [
  'app', 'app-resp', 'heartbeat', 'heartbeat-resp', 'vote', 'vote-resp', 'pre-vote', 'pre-vote-resp',
  'snap', 'snap-wanted', 'timeout-now', 'read-index', 'read-index-resp', 'fortify', 'fortify-resp',
  'de-fortify', 'propose',
]; // prettier-ignore
const TYPE_NUMBERS = new Map(TYPES.map((type, at) => [type, at + 1]));

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  if (value < 0x10000000) return 4;
  let size = 4;
  let rest = Math.floor(value / 0x10000000);
  do {
    size++;
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return size;
}

/** Of a field with a number below 16; zero is left out. */
function fieldSize(value: number): number {
  return value === 0 ? 0 : 1 + varintSize(value);
}

function entrySize(entry: Entry): number {
  const data = entry.data.length;
  return (
    fieldSize(entry.term) +
    fieldSize(entry.index) +
    (entry.type === 'normal' ? 0 : 2) +
    (data === 0 ? 0 : 1 + varintSize(data) + data)
  );
}

class Writer {
  readonly buffer: Buffer;
  at = 0;

  constructor(size: number) {
    this.buffer = Buffer.allocUnsafe(size);
  }

  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80000000) {
      this.buffer[this.at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest >= 0x80) {
      this.buffer[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buffer[this.at++] = rest;
  }

  field(number: number, value: number): void {
    if (value === 0) return;
    this.buffer[this.at++] = number << 3;
    this.varint(value);
  }

  /** The header of a length-delimited field; its bytes follow. */
  header(number: number, length: number): void {
    this.buffer[this.at++] = (number << 3) | BYTES;
    this.varint(length);
  }

  bytes(number: number, bytes: Uint8Array): void {
    this.header(number, bytes.length);
    this.buffer.set(bytes, this.at);
    this.at += bytes.length;
  }

  entry(entry: Entry): void {
    this.field(1, entry.term);
    this.field(2, entry.index);
    this.field(3, entry.type === 'normal' ? 0 : 1);
    if (entry.data.length > 0) this.bytes(4, entry.data);
  }
}

function messageSize(rangeId: RangeId, m: RaftMessage, entries: number, snapshot: number): number {
  return (
    fieldSize(rangeId) +
    2 +
    fieldSize(m.from) +
    fieldSize(m.to) +
    fieldSize(m.term) +
    fieldSize(m.index) +
    fieldSize(m.logTerm) +
    fieldSize(m.commit) +
    entries +
    (m.reject ? 2 : 0) +
    fieldSize(m.rejectHint) +
    fieldSize(m.leadEpoch) +
    fieldSize(m.context) +
    snapshot
  );
}

export function encodeRaftBatch(batch: readonly RangeMessage[]): Buffer {
  const sizes: number[] = [];
  const snapshots = new Map<RaftMessage, Uint8Array>();
  let total = 0;
  for (const { rangeId, message } of batch) {
    let entries = 0;
    for (const entry of message.entries) {
      const size = entrySize(entry);
      sizes.push(size);
      entries += 1 + varintSize(size) + size;
    }
    let snapshot = 0;
    if (message.snapshot !== null) {
      const bytes = encodeSnapshotMeta(message);
      snapshots.set(message, bytes);
      snapshot = 1 + varintSize(bytes.length) + bytes.length;
    }
    const size = messageSize(rangeId, message, entries, snapshot);
    sizes.push(size);
    total += 1 + varintSize(size) + size;
  }
  const writer = new Writer(total);
  let at = 0;
  for (const { rangeId, message } of batch) {
    const entrySizes = at;
    at += message.entries.length;
    writer.header(1, sizes[at++]!);
    writeMessage(writer, rangeId, message, sizes, entrySizes, snapshots.get(message));
  }
  assert(writer.at === total, 'a batch of another size than computed');
  return writer.buffer;
}

function writeMessage(
  writer: Writer,
  rangeId: RangeId,
  message: RaftMessage,
  sizes: readonly number[],
  entrySizes: number,
  snapshot: Uint8Array | undefined,
): void {
  writer.field(1, rangeId);
  writer.field(2, TYPE_NUMBERS.get(message.type)!);
  writer.field(3, message.from);
  writer.field(4, message.to);
  writer.field(5, message.term);
  writer.field(6, message.index);
  writer.field(7, message.logTerm);
  writer.field(8, message.commit);
  for (const [i, entry] of message.entries.entries()) {
    writer.header(9, sizes[entrySizes + i]!);
    writer.entry(entry);
  }
  writer.field(10, message.reject ? 1 : 0);
  writer.field(11, message.rejectHint);
  writer.field(12, message.leadEpoch);
  writer.field(13, message.context);
  if (snapshot !== undefined) writer.bytes(14, snapshot);
}

function encodeSnapshotMeta(message: RaftMessage): Uint8Array {
  const { index, term, conf } = message.snapshot!;
  return RaftSnapshotMeta.encode({
    index,
    term,
    conf: {
      voters: [...conf.voters],
      votersOutgoing: [...conf.votersOutgoing],
      learners: [...conf.learners],
      learnersNext: [...conf.learnersNext],
      autoLeave: conf.autoLeave,
    },
  }).finish();
}

function malformed(what: string): QuoralError {
  return new QuoralError('08P01', `malformed Raft message: ${what}`);
}

class Reader {
  readonly buffer: Buffer;
  at: number;
  end: number;

  constructor(buffer: Buffer, at: number, end: number) {
    this.buffer = buffer;
    this.at = at;
    this.end = end;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      if (this.at >= this.end) throw malformed('it ends within a number');
      const byte = this.buffer[this.at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) throw malformed('a number beyond 53 bits');
        return value;
      }
      scale *= 128;
    }
    throw malformed('a number beyond 53 bits');
  }

  /** The end of the length-delimited field that starts here. */
  delimited(): number {
    const length = this.varint();
    if (length > this.end - this.at) throw malformed('a field longer than its message');
    return this.at + length;
  }

  bytes(): Buffer {
    const end = this.delimited();
    const bytes = this.buffer.subarray(this.at, end);
    this.at = end;
    return bytes;
  }

  skip(wireType: number): void {
    switch (wireType) {
      case VARINT:
        this.varint();
        break;
      case FIXED64:
        this.at += 8;
        break;
      case BYTES:
        this.at = this.delimited();
        break;
      case FIXED32:
        this.at += 4;
        break;
      default:
        throw malformed(`wire type ${wireType}`);
    }
    if (this.at > this.end) throw malformed('it ends within a field');
  }
}

/** Entries' data are views of `bytes`. @throws QuoralError 08P01 */
export function decodeRaftBatch(bytes: Uint8Array): RangeMessage[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = new Reader(buffer, 0, buffer.length);
  const batch: RangeMessage[] = [];
  while (reader.at < reader.end) {
    const tag = reader.varint();
    if (tag !== ((1 << 3) | BYTES)) {
      reader.skip(tag & 7);
      continue;
    }
    const end = reader.delimited();
    batch.push(readMessage(new Reader(buffer, reader.at, end)));
    reader.at = end;
  }
  return batch;
}

function readMessage(reader: Reader): RangeMessage {
  // Numbers by field number; 9 and 14 are not numbers.
  const numbers: number[] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  const entries: Entry[] = [];
  let snapshot: RaftMessage['snapshot'] = null;
  while (reader.at < reader.end) {
    const tag = reader.varint();
    const field = Math.floor(tag / 8);
    const wireType = tag & 7;
    if (wireType === VARINT && field >= 1 && field <= 13) numbers[field] = reader.varint();
    else if (wireType === BYTES && field === 9) entries.push(readEntry(reader));
    else if (wireType === BYTES && field === 14) snapshot = readSnapshotMeta(reader.bytes());
    else reader.skip(wireType);
  }
  const type = TYPES[numbers[2]! - 1];
  if (type === undefined) throw malformed(`type ${numbers[2]}`);
  if (type === 'snap' && snapshot === null) throw malformed('a snapshot without metadata');
  const message: RaftMessage = {
    type,
    from: numbers[3]!,
    to: numbers[4]!,
    term: numbers[5]!,
    index: numbers[6]!,
    logTerm: numbers[7]!,
    commit: numbers[8]!,
    entries,
    reject: numbers[10] !== 0,
    rejectHint: numbers[11]!,
    leadEpoch: numbers[12]!,
    context: numbers[13]!,
    snapshot,
  };
  for (const [i, entry] of entries.entries()) {
    if (entry.index !== message.index + 1 + i) throw malformed('entries out of order');
  }
  return { rangeId: numbers[1]!, message };
}

function readEntry(reader: Reader): Entry {
  const end = reader.delimited();
  const inner = new Reader(reader.buffer, reader.at, end);
  reader.at = end;
  let term = 0;
  let index = 0;
  let type = 0;
  let data: Buffer = inner.buffer.subarray(end, end);
  while (inner.at < inner.end) {
    const tag = inner.varint();
    if (tag === 1 << 3) term = inner.varint();
    else if (tag === 2 << 3) index = inner.varint();
    else if (tag === 3 << 3) type = inner.varint();
    else if (tag === ((4 << 3) | BYTES)) data = inner.bytes();
    else inner.skip(tag & 7);
  }
  if (type > 1) throw malformed(`entry type ${type}`);
  return { term, index, type: type === 0 ? 'normal' : 'conf-change', data };
}

function readSnapshotMeta(bytes: Buffer): NonNullable<RaftMessage['snapshot']> {
  let meta: RaftSnapshotMeta;
  try {
    meta = RaftSnapshotMeta.decode(bytes);
  } catch (cause) {
    throw new QuoralError('08P01', 'malformed Raft message: snapshot metadata', { cause });
  }
  const conf = meta.conf;
  if (conf === undefined) throw malformed('a snapshot without configuration');
  return { index: meta.index, term: meta.term, conf };
}
