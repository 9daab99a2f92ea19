/**
 * Whether the heap has room. The accounts of statements are estimates, and what one call of a function makes is in none of
 * them; a heap that is full ends the process. So those who make much ask here on their way, and get 53200 before that.
 * Only the real machine has an answer (env/node/heap.ts); in simulations there is always room.
 */
let guard: ((bytes: number) => void) | null = null;

export function guardHeap(throwsIfFull: (bytes: number) => void): void {
  guard = throwsIfFull;
}

/** Costs some microseconds. @throws QuoralError 53200 if `bytes` more would be too much. */
export function heapRoom(bytes: number): void {
  guard?.(bytes);
}
