/** The method by which nodes ask each other who holds and awaits what. The codec is proto/sql.proto's. */
import { LocksRequest, LocksResponse } from '../../encoding/proto/sql.js';
import { defineMethod } from '../../rpc/methods.js';

export const locksMethod = defineMethod<LocksRequest, LocksResponse>('locks', {
  encodeRequest: (request) => LocksRequest.encode(request).finish(),
  decodeRequest: (bytes) => LocksRequest.decode(bytes),
  encodeResponse: (response) => LocksResponse.encode(response).finish(),
  decodeResponse: (bytes) => LocksResponse.decode(bytes),
});
