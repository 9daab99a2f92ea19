/** What a supervisor and its node processes tell each other over Node's IPC channel. */

/** SQL is served. */
export type ToSupervisor = {
  readonly kind: 'serving';
  readonly nodeId: number;
  readonly sqlPort: number;
};

export type FromSupervisor = { readonly kind: 'stop' };

export function isToSupervisor(message: unknown): message is ToSupervisor {
  return isObject(message) && message['kind'] === 'serving';
}

export function isFromSupervisor(message: unknown): message is FromSupervisor {
  return isObject(message) && message['kind'] === 'stop';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
