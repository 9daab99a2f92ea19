/** The message by which nodes tell each other of new notifications. The codec is proto/sql.proto's. */
import { NotifyNudge } from '../../encoding/proto/sql.js';
import { defineOneWay } from '../../rpc/methods.js';

export const notifyMethod = defineOneWay<NotifyNudge>('notify', {
  encodeRequest: (message) => NotifyNudge.encode(message).finish(),
  decodeRequest: (bytes) => NotifyNudge.decode(bytes),
});
