/** The method by which nodes ask each other about advisory locks. The codec is proto/sql.proto's. */
import { AdvisoryRequest, AdvisoryResponse } from '../../encoding/proto/sql.js';
import { defineMethod } from '../../rpc/methods.js';

export const advisoryMethod = defineMethod<AdvisoryRequest, AdvisoryResponse>('advisory', {
  encodeRequest: (request) => AdvisoryRequest.encode(request).finish(),
  decodeRequest: (bytes) => AdvisoryRequest.decode(bytes),
  encodeResponse: (response) => AdvisoryResponse.encode(response).finish(),
  decodeResponse: (bytes) => AdvisoryResponse.decode(bytes),
});
