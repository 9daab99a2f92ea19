/**
 * Two methods of Node's Buffer that its type declarations leave out. They skip the look-up of the
 * encoding's name, which on short keys is half of the cost of `toString('latin1')`.
 */
interface Buffer<TArrayBuffer extends ArrayBufferLike = ArrayBufferLike> {
  latin1Slice(start?: number, end?: number): string;
  latin1Write(text: string, offset?: number, length?: number): number;
}
