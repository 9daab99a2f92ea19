/**
 * The thread that writes small durable files (file-writer.ts): each atomically and with fsync, one after the other. Plain
 * JavaScript because Node 20 cannot run TypeScript in a worker.
 *
 *   { id, path, temporary, data: Uint8Array }   →   { id, error: null } or { id, error: { message, code } }
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parentPort } from 'node:worker_threads';

function synced(path, flags, mode, write) {
  const file = openSync(path, flags, mode);
  try {
    write(file);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function write({ path, temporary, data }) {
  try {
    synced(temporary, 'w', 0o600, (file) => writeFileSync(file, data));
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  synced(dirname(path), 'r', undefined, () => undefined);
}

parentPort.on('message', (message) => {
  try {
    write(message);
    parentPort.postMessage({ id: message.id, error: null });
  } catch (error) {
    parentPort.postMessage({ id: message.id, error: { message: error.message, code: error.code } });
  }
});
