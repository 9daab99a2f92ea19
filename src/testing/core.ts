/** What the bundle holds once for all its entries (scripts/bundle.mjs): the public names, and what the helpers need. */
export * from './index.js';
export { testDatabase } from './harness.js';
export { QuoralError } from '../base/errors.js';
