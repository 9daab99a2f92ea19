/** Operators, functions and aggregates of inet, cidr, macaddr and macaddr8. */
import type { Inet } from '../types/datum.js';
import { extendMac, macBytes, macFromBytes } from '../types/mac-address.js';
import {
  abbreviateCidr,
  addToInet,
  broadcastOf,
  combineInet,
  compareInet,
  formatInet,
  hostmaskOf,
  hostText,
  invertInet,
  isWithin,
  mergeInets,
  netmaskOf,
  networkOf,
  overlaps,
  showNetwork,
  subtractInets,
  withMask,
} from '../types/network.js';
import { fold } from './aggregates.js';
import { fn, op } from './define.js';

op('inet << inet = bool', (a: Inet, b: Inet) => isWithin(a, b, false));
op('inet <<= inet = bool', (a: Inet, b: Inet) => isWithin(a, b, true));
op('inet >> inet = bool', (a: Inet, b: Inet) => isWithin(b, a, false));
op('inet >>= inet = bool', (a: Inet, b: Inet) => isWithin(b, a, true));
op('inet && inet = bool', overlaps);
op('~ inet = inet', (v: Inet) => invertInet(v));
op('inet & inet = inet', (a: Inet, b: Inet) => combineInet(a, b, 'AND', (x, y) => x & y));
op('inet | inet = inet', (a: Inet, b: Inet) => combineInet(a, b, 'OR', (x, y) => x | y));
op('inet + int8 = inet', (v: Inet, n: bigint) => addToInet(v, n));
op('int8 + inet = inet', (n: bigint, v: Inet) => addToInet(v, n));
op('inet - int8 = inet', (v: Inet, n: bigint) => addToInet(v, BigInt.asIntN(64, -n)));
op('inet - inet = int8', (a: Inet, b: Inet) => subtractInets(a, b));

fn('abbrev(inet) text', (v: Inet) => formatInet(v));
fn('abbrev(cidr) text', (v: Inet) => abbreviateCidr(v));
fn('broadcast(inet) inet', (v: Inet) => broadcastOf(v));
fn('family(inet) int4', (v: Inet) => (v.bytes.length === 4 ? 4 : 6));
fn('host(inet) text', (v: Inet) => hostText(v));
fn('hostmask(inet) inet', (v: Inet) => hostmaskOf(v));
fn('inet_merge(inet, inet) cidr', mergeInets);
fn('inet_same_family(inet, inet) bool', (a: Inet, b: Inet) => a.bytes.length === b.bytes.length);
fn('masklen(inet) int4', (v: Inet) => v.bits);
fn('netmask(inet) inet', (v: Inet) => netmaskOf(v));
fn('network(inet) cidr', (v: Inet) => networkOf(v));
fn('set_masklen(inet, int4) inet', (v: Inet, bits: number) => withMask(v, bits));
fn('set_masklen(cidr, int4) cidr', (v: Inet, bits: number) => networkOf(withMask(v, bits)));
fn('text(inet) text', (v: Inet) => showNetwork(v));
fold('max(inet) inet', (a: Inet, b: Inet) => (compareInet(a, b) >= 0 ? a : b));
fold('min(inet) inet', (a: Inet, b: Inet) => (compareInet(a, b) <= 0 ? a : b));

function eachByte(a: string, b: string, f: (x: number, y: number) => number): string {
  const other = macBytes(b);
  return macFromBytes(macBytes(a).map((byte, i) => f(byte, other[i]!)));
}
for (const type of ['macaddr', 'macaddr8']) {
  op(`~ ${type} = ${type}`, (v: string) => macFromBytes(macBytes(v).map((byte) => ~byte & 0xff)));
  op(`${type} & ${type} = ${type}`, (a: string, b: string) => eachByte(a, b, (x, y) => x & y));
  op(`${type} | ${type} = ${type}`, (a: string, b: string) => eachByte(a, b, (x, y) => x | y));
  fn(`trunc(${type}) ${type}`, (v: string) => macFromBytes(macBytes(v).map((byte, i) => (i < 3 ? byte : 0))));
}
fn('macaddr8_set7bit(macaddr8) macaddr8', (v: string) =>
  macFromBytes(macBytes(v).map((byte, i) => (i === 0 ? byte | 2 : byte))),
);
fn('macaddr8(macaddr) macaddr8', (v: string) => macFromBytes(extendMac(macBytes(v))));
