/**
 * How large single values may become. PostgreSQL's limit is 1 GB; here one call of a function runs without a pause and
 * what it makes lies in the one heap of the node, so the limits are what a node can make in a fraction of a second.
 */
import { sqlError } from '../../base/errors.js';
import { heapRoom } from '../../base/heap.js';

/** Characters of a text, bytes of a bytea. */
export const TEXT_MAX = 64 * 1024 * 1024;
/** Elements of an array. */
export const ELEMENTS_MAX = 8 * 1024 * 1024;
/** Characters of a template of to_char and the like. */
const TEMPLATE_MAX = 256 * 1024;
/** Values in one JSON document, those within arrays and objects counted. */
export const JSON_VALUES_MAX = 1024 * 1024;

/** Characters or elements from which on a value is worth a look at the heap. */
const LARGE = 1024 * 1024;
/** Elements that are made between two looks at the heap. */
const ELEMENTS_APART = 65_536;

export function checkLength(length: number): void {
  if (length > TEXT_MAX) throw sqlError('54000', 'requested length too large');
  if (length > LARGE) heapRoom(length);
}

/** In loops that make many small values: `made` goes up by one each time. @throws QuoralError 53200 */
export function checkHeap(made: number): void {
  if (made % ELEMENTS_APART === ELEMENTS_APART - 1) heapRoom(0);
}

export function arrayTooLarge(): Error {
  return sqlError('54000', `array size exceeds the maximum allowed (${ELEMENTS_MAX})`);
}

export function checkElements(count: number): void {
  if (count > ELEMENTS_MAX) throw arrayTooLarge();
}

const DIMENSIONS_MAX = 6;
export function checkDimensions(count: number): void {
  if (count <= DIMENSIONS_MAX) return;
  throw sqlError('54000', `number of array dimensions (${count}) exceeds the maximum allowed (${DIMENSIONS_MAX})`);
}

export function checkTemplate(template: string): void {
  if (template.length <= TEMPLATE_MAX) return;
  throw sqlError('54000', 'format template is too long', { detail: `The limit is ${TEMPLATE_MAX} characters.` });
}

export function jsonTooLarge(): Error {
  return sqlError('54000', `a JSON document can have at most ${JSON_VALUES_MAX} values`);
}
