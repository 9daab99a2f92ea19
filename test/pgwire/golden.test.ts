/** The bytes of every backend message, spelled out: drivers depend on each of them. */
import { describe, expect, it } from 'vitest';
import { QuoralError } from '../../src/base/errors.js';
import {
  writeAuthenticationOk,
  writeBackendKeyData,
  writeCommandComplete,
  writeCopyData,
  writeCopyResponse,
  writeErrorResponse,
  writeNegotiateProtocolVersion,
  writeNoticeResponse,
  writeParameterDescription,
  writeParameterStatus,
  writeReadyForQuery,
  writeRowDescription,
} from '../../src/pgwire/backend-messages.js';
import { decodeBackend } from '../../src/pgwire/client-codec.js';
import { Backend } from '../../src/pgwire/protocol.js';
import { RowEncoders, writeDataRow } from '../../src/pgwire/row-encoder.js';
import { WireWriter } from '../../src/pgwire/wire-writer.js';
import type { Datum } from '../../src/sql/types/datum.js';
import { FORMAT, typeByOid } from './scripted-session.js';

/** Printable characters as they are, others as \xx. */
function show(bytes: Buffer): string {
  return [...bytes]
    .map((b) => (b >= 0x20 && b < 0x7f && b !== 0x5c ? String.fromCharCode(b) : `\\${b.toString(16).padStart(2, '0')}`))
    .join('');
}

function bytes(build: (writer: WireWriter) => unknown): string {
  const writer = new WireWriter();
  build(writer);
  const message = writer.take();
  expect(message.readInt32BE(1)).toBe(message.length - 1);
  decodeBackend(message[0] as number, message.subarray(5));
  return show(message);
}

const COLUMN = {
  name: 'id',
  tableOid: 16384,
  columnNumber: 2,
  typeOid: 23,
  typeLength: 4,
  typmod: -1,
};

describe('backend messages', () => {
  it.each<[string, (w: WireWriter) => unknown, string]>([
    ['AuthenticationOk', writeAuthenticationOk, 'R\\00\\00\\00\\08\\00\\00\\00\\00'],
    ['ParameterStatus', (w) => writeParameterStatus(w, 'a', 'bc'), 'S\\00\\00\\00\\09a\\00bc\\00'],
    ['BackendKeyData', (w) => writeBackendKeyData(w, 7, -2), 'K\\00\\00\\00\\0c\\00\\00\\00\\07\\ff\\ff\\ff\\fe'],
    ['ReadyForQuery', (w) => writeReadyForQuery(w, 'T'), 'Z\\00\\00\\00\\05T'],
    [
      'NegotiateProtocolVersion',
      (w) => writeNegotiateProtocolVersion(w, 0, ['_pq_.x']),
      'v\\00\\00\\00\\13\\00\\00\\00\\00\\00\\00\\00\\01_pq_.x\\00',
    ],
    [
      'RowDescription',
      (w) => writeRowDescription(w, [COLUMN], [1]),
      'T\\00\\00\\00\\1b\\00\\01id\\00\\00\\00@\\00\\00\\02\\00\\00\\00\\17\\00\\04\\ff\\ff\\ff\\ff\\00\\01',
    ],
    [
      'ParameterDescription',
      (w) => writeParameterDescription(w, [23, 25]),
      't\\00\\00\\00\\0e\\00\\02\\00\\00\\00\\17\\00\\00\\00\\19',
    ],
    ['CommandComplete', (w) => writeCommandComplete(w, 'SELECT 1'), 'C\\00\\00\\00\\0dSELECT 1\\00'],
    [
      'CopyInResponse',
      (w) => writeCopyResponse(w, Backend.copyInResponse, false, 2),
      'G\\00\\00\\00\\0b\\00\\00\\02\\00\\00\\00\\00',
    ],
    [
      'CopyOutResponse',
      (w) => writeCopyResponse(w, Backend.copyOutResponse, true, 1),
      'H\\00\\00\\00\\09\\01\\00\\01\\00\\01',
    ],
    ['CopyData', (w) => writeCopyData(w, Buffer.from('x\n')), 'd\\00\\00\\00\\06x\\0a'],
    ['ParseComplete', (w) => w.empty(Backend.parseComplete), '1\\00\\00\\00\\04'],
    ['BindComplete', (w) => w.empty(Backend.bindComplete), '2\\00\\00\\00\\04'],
    ['CloseComplete', (w) => w.empty(Backend.closeComplete), '3\\00\\00\\00\\04'],
    ['NoData', (w) => w.empty(Backend.noData), 'n\\00\\00\\00\\04'],
    ['PortalSuspended', (w) => w.empty(Backend.portalSuspended), 's\\00\\00\\00\\04'],
    ['EmptyQueryResponse', (w) => w.empty(Backend.emptyQueryResponse), 'I\\00\\00\\00\\04'],
    ['CopyDone', (w) => w.empty(Backend.copyDone), 'c\\00\\00\\00\\04'],
    [
      'ErrorResponse',
      (w) =>
        writeErrorResponse(
          w,
          new QuoralError('23505', 'm', {
            fields: {
              detail: 'd',
              hint: 'h',
              position: 3,
              internalQuery: 'q',
              where: 'w',
              schema: 's',
              table: 't',
              column: 'c',
              dataType: 'y',
              constraint: 'n',
            },
          }),
        ),
      'E\\00\\00\\00;SERROR\\00VERROR\\00C23505\\00Mm\\00Dd\\00Hh\\00P3\\00qq\\00Ww\\00ss\\00tt\\00cc\\00dy\\00nn\\00\\00',
    ],
    [
      'NoticeResponse',
      (w) =>
        writeNoticeResponse(w, {
          severity: 'NOTICE',
          sqlstate: '00000',
          message: 'm',
          position: 9,
          where: 'w',
        }),
      'N\\00\\00\\00%SNOTICE\\00VNOTICE\\00C00000\\00Mm\\00P9\\00Ww\\00\\00',
    ],
  ])('%s', (_, build, expected) => {
    expect(bytes(build)).toBe(expected);
  });

  it('a NUL in a message does not shift the fields after it', () => {
    expect(bytes((w) => writeCommandComplete(w, 'a\0b'))).toBe('C\\00\\00\\00\\08a?b\\00');
  });
});

function row(typeOid: number, format: number, value: Datum): string {
  const encoders = new RowEncoders(typeByOid).for([{ ...COLUMN, typeOid }], [format]);
  const writer = new WireWriter();
  writeDataRow(writer, encoders, [value], FORMAT);
  return show(writer.take().subarray(7));
}

describe('values', () => {
  it.each<[number, number, Datum, string]>([
    [16, 0, true, '\\00\\00\\00\\01t'],
    [16, 1, false, '\\00\\00\\00\\01\\00'],
    [21, 0, -32768, '\\00\\00\\00\\06-32768'],
    [21, 1, -2, '\\00\\00\\00\\02\\ff\\fe'],
    [23, 0, 0, '\\00\\00\\00\\010'],
    [23, 0, 1000000, '\\00\\00\\00\\071000000'],
    [23, 0, -2147483648, '\\00\\00\\00\\0b-2147483648'],
    [23, 1, -2147483648, '\\00\\00\\00\\04\\80\\00\\00\\00'],
    [26, 0, 4294967295, '\\00\\00\\00\\0a4294967295'],
    [26, 1, 4294967295, '\\00\\00\\00\\04\\ff\\ff\\ff\\ff'],
    [20, 0, -9223372036854775808n, '\\00\\00\\00\\14-9223372036854775808'],
    [20, 0, 9007199254740993n, '\\00\\00\\00\\109007199254740993'],
    [20, 0, 9007199254740991n, '\\00\\00\\00\\109007199254740991'],
    [20, 1, -1n, '\\00\\00\\00\\08\\ff\\ff\\ff\\ff\\ff\\ff\\ff\\ff'],
    [20, 1, 4294967297n, '\\00\\00\\00\\08\\00\\00\\00\\01\\00\\00\\00\\01'],
    [20, 1, -4294967297n, '\\00\\00\\00\\08\\ff\\ff\\ff\\fe\\ff\\ff\\ff\\ff'],
    [20, 1, 9223372036854775807n, '\\00\\00\\00\\08\\7f\\ff\\ff\\ff\\ff\\ff\\ff\\ff'],
    [701, 1, 1.5, '\\00\\00\\00\\08?\\f8\\00\\00\\00\\00\\00\\00'],
    [700, 1, -2, '\\00\\00\\00\\04\\c0\\00\\00\\00'],
    [25, 0, 'é', '\\00\\00\\00\\02\\c3\\a9'],
    [25, 1, '', '\\00\\00\\00\\00'],
    [25, 0, 'x'.repeat(60), `\\00\\00\\00<${'x'.repeat(60)}`],
    [17, 0, Uint8Array.of(255), '\\00\\00\\00\\04\\5cxff'],
    [17, 1, Uint8Array.of(255), '\\00\\00\\00\\01\\ff'],
    [1082, 0, 3, '\\00\\00\\00\\05day 3'],
    [1082, 1, 3, '\\00\\00\\00\\04\\00\\00\\00\\03'],
    [25, 0, null, '\\ff\\ff\\ff\\ff'],
  ])('type %i in format %i: %s', (oid, format, value, expected) => {
    expect(row(oid, format, value)).toBe(expected);
  });

  it('writes every integer as String does', () => {
    const writer = new WireWriter();
    const values = [0, 9, 10, 99, 100, 2147483646, 2147483647, 2147483648, 4294967296, Number.MAX_SAFE_INTEGER];
    for (let power = 0; power <= 15; power++) values.push(10 ** power, 10 ** power - 1, 10 ** power + 1);
    for (const value of values) {
      for (const signed of [value, -value]) {
        if (!Number.isSafeInteger(signed)) continue;
        writer.integerText(signed);
        expect(writer.take().subarray(4).toString()).toBe(String(signed === 0 ? 0 : signed));
      }
    }
  });

  it('refuses a type that nobody knows', () => {
    expect(() => row(99999, 0, 'x')).toThrow('type with OID 99999 does not exist');
  });

  it('keeps earlier output apart from later output', () => {
    const writer = new WireWriter();
    writeCommandComplete(writer, 'first');
    const first = writer.take();
    writeCopyData(writer, Buffer.alloc(50_000, 1));
    const large = writer.take();
    writeCommandComplete(writer, 'third');
    expect(first.includes('first')).toBe(true);
    expect(large.subarray(5).every((byte) => byte === 1)).toBe(true);
    expect(writer.take().includes('third')).toBe(true);
  });
});
