/** Whether something still waits once everything that can run without time passing has run. */

/** Lets everything that can run without time passing run. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** True if the promise is still pending after `settle`. A rejection counts as an end, and stays whoever awaits it's to see. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true;
  const ended = (): void => {
    pending = false;
  };
  promise.then(ended, ended);
  await settle();
  return pending;
}
