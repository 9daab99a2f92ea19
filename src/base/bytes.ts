/** The same memory as a Buffer, which has the readers and writers that a Uint8Array lacks. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
