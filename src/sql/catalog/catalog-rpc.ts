/** The method by which nodes take each other's schema locks. The codec is proto/catalog.proto's. */
import { CatalogRequest, CatalogResponse } from '../../encoding/proto/catalog.js';
import { defineMethod } from '../../rpc/methods.js';

export const catalogMethod = defineMethod<CatalogRequest, CatalogResponse>('catalog', {
  encodeRequest: (request) => CatalogRequest.encode(request).finish(),
  decodeRequest: (bytes) => CatalogRequest.decode(bytes),
  encodeResponse: (response) => CatalogResponse.encode(response).finish(),
  decodeResponse: (bytes) => CatalogResponse.decode(bytes),
});
