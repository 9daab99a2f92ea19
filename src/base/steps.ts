/**
 * Work in steps: between two of them the event loop may be given back, so that a long statement is planned without
 * holding up others. What a step reads must not change meanwhile: trees, plans, snapshots of the catalog.
 */
export type Steps<T> = Generator<void, T, void>;

export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
