/** Environment variables of the process; undefined: not set, or empty. */
export function environmentVariable(name: string): string | undefined {
  const value = process.env[name];
  return value === '' ? undefined : value;
}

/** What real input and output the process waits for (files, sockets, name lookups), by Node's names. */
export function activeResources(): string[] {
  return process.getActiveResourcesInfo().filter((name) => name !== 'Immediate' && name !== 'Timeout');
}
