/**
 * An ordered map from binary strings to values: a B+tree whose nodes are copied on write.
 *
 * Why a B+tree: a binary search inside wide nodes touches little memory, so a million entries cost
 * about a microsecond per operation. Why copy on write: `clone()` is O(1) and gives a consistent
 * snapshot; a node is copied only when a map that does not own it changes it. The in-memory engine
 * builds snapshots and its crash semantics on that.
 *
 * Invariants
 * - Keys order with `<` (as bytes do, see base/key.ts); every key occurs once.
 * - A node belongs to the map whose `owner` token it carries; any other map copies it before a
 *   change. `clone()` gives both maps new tokens, so neither owns the nodes they share.
 * - All leaves are at the same depth; no node but the root is empty.
 * - A cursor stays usable while the map changes: it finds its place again by its key.
 */
import { assert } from './assert.js';

const NODE_MAX = 64;
const NODE_MIN = 16;

/** Compared by identity only. */
interface Owner {
  readonly owns: true;
}

interface Leaf<V> {
  owner: Owner;
  readonly keys: string[];
  readonly values: V[];
  readonly children: null;
}

/** children.length === keys.length + 1; keys[i] <= every key under children[i + 1]. */
interface Inner<V> {
  owner: Owner;
  readonly keys: string[];
  readonly values: null;
  readonly children: TreeNode<V>[];
}

type TreeNode<V> = Leaf<V> | Inner<V>;

/** Index of the first key >= target. */
function lowerBound(keys: readonly string[], target: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < target) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the child that holds target: the number of separators <= target. */
function childIndex(keys: readonly string[], target: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! <= target) low = middle + 1;
    else high = middle;
  }
  return low;
}

function newOwner(): Owner {
  return { owns: true };
}

export class OrderedMap<V> {
  #owner: Owner = newOwner();
  #root: TreeNode<V> = { owner: this.#owner, keys: [], values: [], children: null };
  #size = 0;
  /** Counts structural changes, so that cursors notice them. */
  #changes = 0;

  get size(): number {
    return this.#size;
  }

  /** For cursors: differs after any insertion, deletion or copy of a node. */
  get changes(): number {
    return this.#changes;
  }

  /** For cursors only. */
  get root(): TreeNode<V> {
    return this.#root;
  }

  get(key: string): V | undefined {
    let node = this.#root;
    while (node.children !== null) node = node.children[childIndex(node.keys, key)]!;
    const index = lowerBound(node.keys, key);
    return index < node.keys.length && node.keys[index] === key ? node.values[index] : undefined;
  }

  has(key: string): boolean {
    let node = this.#root;
    while (node.children !== null) node = node.children[childIndex(node.keys, key)]!;
    const index = lowerBound(node.keys, key);
    return index < node.keys.length && node.keys[index] === key;
  }

  /** Inserts or replaces. @returns the previous value, undefined if there was none. */
  set(key: string, value: V): V | undefined {
    const root = this.#own(this.#root);
    this.#root = root;
    const before = this.#size;
    const previous = this.#setIn(root, key, value);
    if (this.#size !== before && root.keys.length > NODE_MAX) {
      const right = this.#split(root);
      this.#root = {
        owner: this.#owner,
        keys: [right.separator],
        values: null,
        children: [root, right.node],
      };
    }
    return previous;
  }

  /** @returns whether the key was there. */
  delete(key: string): boolean {
    if (!this.has(key)) return false;
    return this.#deleteRun(key, key + '\x00') === 1;
  }

  /** Deletes [start, end). @returns how many entries went. */
  deleteRange(start: string, end: string): number {
    let total = 0;
    if (start >= end) return 0;
    for (;;) {
      const first = this.ceiling(start);
      if (first === undefined || first >= end) return total;
      const removed = this.#deleteRun(first, end);
      assert(removed > 0, 'deleteRange makes progress');
      total += removed;
    }
  }

  clear(): void {
    this.#root = { owner: this.#owner, keys: [], values: [], children: null };
    this.#size = 0;
    this.#changes++;
  }

  /** An independent copy in O(1): nodes are shared until one of the two maps changes them. */
  clone(): OrderedMap<V> {
    const copy = new OrderedMap<V>();
    copy.#root = this.#root;
    copy.#size = this.#size;
    // Neither map owns the shared nodes from now on.
    this.#owner = newOwner();
    this.#changes++;
    return copy;
  }

  /** The first key >= target. */
  ceiling(target: string): string | undefined {
    const cursor = this.cursor();
    cursor.seek(target);
    return cursor.valid ? cursor.key : undefined;
  }

  /** The last key < target. */
  lower(target: string): string | undefined {
    const cursor = this.cursor();
    cursor.seekBefore(target);
    return cursor.valid ? cursor.key : undefined;
  }

  cursor(): OrderedMapCursor<V> {
    return new OrderedMapCursor<V>(this);
  }

  /** Entries of [start, end) in order; without bounds all. The map may change meanwhile. */
  *entries(start = '', end?: string): IterableIterator<[string, V]> {
    const cursor = this.cursor();
    for (cursor.seek(start); cursor.valid; cursor.next()) {
      if (end !== undefined && cursor.key >= end) return;
      yield [cursor.key, cursor.value];
    }
  }

  /** Entries of [start, end) from the last to the first. */
  *entriesReverse(start: string, end: string): IterableIterator<[string, V]> {
    const cursor = this.cursor();
    for (cursor.seekBefore(end); cursor.valid; cursor.prev()) {
      if (cursor.key < start) return;
      yield [cursor.key, cursor.value];
    }
  }

  /** Checks every structural invariant; for tests. */
  verify(): void {
    const depths = new Set<number>();
    let count = 0;
    let last: string | null = null;
    const visit = (node: TreeNode<V>, depth: number, low: string | null, high: string | null) => {
      assert(node.keys.length <= NODE_MAX, 'node too wide');
      for (const key of node.keys) {
        assert((low === null || key >= low) && (high === null || key < high), 'key out of bounds');
      }
      if (node.children === null) {
        depths.add(depth);
        assert(node.values.length === node.keys.length, 'one value per key');
        assert(node.keys.length > 0 || node === this.#root, 'empty leaf');
        for (const key of node.keys) {
          assert(last === null || last < key, 'keys ascend');
          last = key;
          count++;
        }
        return;
      }
      assert(node.children.length === node.keys.length + 1, 'children and separators');
      assert(node.children.length > 1, 'inner node with one child');
      node.children.forEach((child, i) =>
        visit(child, depth + 1, i === 0 ? low : node.keys[i - 1]!, node.keys[i] ?? high),
      );
    };
    visit(this.#root, 0, null, null);
    assert(depths.size === 1, 'leaves at one depth');
    assert(count === this.#size, 'size counts entries');
  }

  #own(node: TreeNode<V>): TreeNode<V> {
    if (node.owner === this.#owner) return node;
    this.#changes++;
    return node.children === null
      ? { owner: this.#owner, keys: node.keys.slice(), values: node.values.slice(), children: null }
      : {
          owner: this.#owner,
          keys: node.keys.slice(),
          values: null,
          children: node.children.slice(),
        };
  }

  #setIn(node: TreeNode<V>, key: string, value: V): V | undefined {
    if (node.children === null) {
      const index = lowerBound(node.keys, key);
      if (index < node.keys.length && node.keys[index] === key) {
        const previous = node.values[index];
        node.values[index] = value;
        return previous;
      }
      if (index === node.keys.length) {
        node.keys.push(key);
        node.values.push(value);
      } else {
        node.keys.splice(index, 0, key);
        node.values.splice(index, 0, value);
      }
      this.#size++;
      this.#changes++;
      return undefined;
    }
    const index = childIndex(node.keys, key);
    const child = this.#own(node.children[index]!);
    node.children[index] = child;
    const previous = this.#setIn(child, key, value);
    if (child.keys.length > NODE_MAX) {
      const right = this.#split(child);
      node.keys.splice(index, 0, right.separator);
      node.children.splice(index + 1, 0, right.node);
    }
    return previous;
  }

  /** Cuts the upper part off an owned node. Appending in order leaves nodes three quarters full. */
  #split(node: TreeNode<V>): { separator: string; node: TreeNode<V> } {
    const at = node.children === null ? (node.keys.length * 3) >>> 2 : node.keys.length >>> 1;
    this.#changes++;
    if (node.children === null) {
      const keys = node.keys.splice(at);
      const values = node.values.splice(at);
      return { separator: keys[0]!, node: { owner: this.#owner, keys, values, children: null } };
    }
    const keys = node.keys.splice(at + 1);
    const separator = node.keys.pop()!;
    const children = node.children.splice(at + 1);
    return { separator, node: { owner: this.#owner, keys, values: null, children } };
  }

  /** Deletes the entries of [start, end) that share a leaf with `start`. */
  #deleteRun(start: string, end: string): number {
    const root = this.#own(this.#root);
    const removed = this.#deleteIn(root, start, end);
    this.#root = root.children !== null && root.children.length === 1 ? root.children[0]! : root;
    this.#size -= removed;
    if (removed > 0) this.#changes++;
    return removed;
  }

  #deleteIn(node: TreeNode<V>, start: string, end: string): number {
    if (node.children === null) {
      const from = lowerBound(node.keys, start);
      const to = lowerBound(node.keys, end);
      if (to > from) {
        node.keys.splice(from, to - from);
        node.values.splice(from, to - from);
      }
      return to - from;
    }
    const index = childIndex(node.keys, start);
    const child = this.#own(node.children[index]!);
    node.children[index] = child;
    const removed = this.#deleteIn(child, start, end);
    if (removed > 0 && child.keys.length < NODE_MIN) this.#rebalance(node, index);
    return removed;
  }

  /** Joins a narrow child with a neighbour, and cuts the two in half again if that is too wide. */
  #rebalance(parent: Inner<V>, index: number): void {
    if (parent.children.length === 1) return;
    const leftIndex = index > 0 ? index - 1 : index;
    const left = this.#own(parent.children[leftIndex]!);
    const right = parent.children[leftIndex + 1]!;
    const separator = parent.keys[leftIndex]!;
    if (left.children === null) {
      assert(right.children === null, 'siblings are both leaves');
      left.keys.push(...right.keys);
      left.values.push(...right.values);
    } else {
      assert(right.children !== null, 'siblings are both inner');
      left.keys.push(separator, ...right.keys);
      left.children.push(...right.children);
    }
    parent.children[leftIndex] = left;
    if (left.keys.length > NODE_MAX) {
      const half = this.#split(left);
      parent.keys[leftIndex] = half.separator;
      parent.children[leftIndex + 1] = half.node;
    } else {
      parent.keys.splice(leftIndex, 1);
      parent.children.splice(leftIndex + 1, 1);
    }
  }
}

/**
 * A place in a map. After a seek or a step, `valid` says whether `key` and `value` may be read.
 * If the map changed since, a step goes to the next (previous) key as the map is now.
 */
export class OrderedMapCursor<V> {
  readonly #map: OrderedMap<V>;
  #changes = -1;
  readonly #path: Inner<V>[] = [];
  readonly #indexes: number[] = [];
  #leaf: Leaf<V> | null = null;
  #index = 0;
  #key = '';
  #valid = false;

  constructor(map: OrderedMap<V>) {
    this.#map = map;
  }

  get valid(): boolean {
    return this.#valid;
  }

  get key(): string {
    assert(this.#valid, 'key of an invalid cursor');
    return this.#key;
  }

  /** The value as of the last seek or step, or newer. */
  get value(): V {
    assert(this.#valid, 'value of an invalid cursor');
    return this.#leaf!.values[this.#index] as V;
  }

  /** First entry with key >= target. */
  seek(target: string): void {
    this.#descend(target);
    this.#index = lowerBound(this.#leaf!.keys, target);
    if (this.#index >= this.#leaf!.keys.length && !this.#nextLeaf()) {
      this.#valid = false;
      return;
    }
    this.#settle();
  }

  /** Last entry with key < target. */
  seekBefore(target: string): void {
    this.#descend(target);
    this.#index = lowerBound(this.#leaf!.keys, target) - 1;
    if (this.#index < 0 && !this.#previousLeaf()) {
      this.#valid = false;
      return;
    }
    this.#settle();
  }

  next(): void {
    assert(this.#valid, 'next of an invalid cursor');
    if (this.#changes !== this.#map.changes) {
      this.seek(this.#key + '\x00');
      return;
    }
    this.#index++;
    if (this.#index >= this.#leaf!.keys.length && !this.#nextLeaf()) {
      this.#valid = false;
      return;
    }
    this.#settle();
  }

  prev(): void {
    assert(this.#valid, 'prev of an invalid cursor');
    if (this.#changes !== this.#map.changes) {
      this.seekBefore(this.#key);
      return;
    }
    this.#index--;
    if (this.#index < 0 && !this.#previousLeaf()) {
      this.#valid = false;
      return;
    }
    this.#settle();
  }

  #settle(): void {
    this.#key = this.#leaf!.keys[this.#index]!;
    this.#valid = true;
  }

  #descend(target: string): void {
    this.#path.length = 0;
    this.#indexes.length = 0;
    this.#changes = this.#map.changes;
    let node = this.#map.root;
    while (node.children !== null) {
      const index = childIndex(node.keys, target);
      this.#path.push(node);
      this.#indexes.push(index);
      node = node.children[index]!;
    }
    this.#leaf = node;
  }

  #nextLeaf(): boolean {
    let depth = this.#path.length - 1;
    while (depth >= 0 && this.#indexes[depth]! + 1 >= this.#path[depth]!.children.length) depth--;
    if (depth < 0) return false;
    this.#indexes[depth] = this.#indexes[depth]! + 1;
    let node = this.#path[depth]!.children[this.#indexes[depth]!]!;
    while (node.children !== null) {
      depth++;
      this.#path[depth] = node;
      this.#indexes[depth] = 0;
      node = node.children[0]!;
    }
    this.#leaf = node;
    this.#index = 0;
    return true;
  }

  #previousLeaf(): boolean {
    let depth = this.#path.length - 1;
    while (depth >= 0 && this.#indexes[depth]! <= 0) depth--;
    if (depth < 0) return false;
    this.#indexes[depth] = this.#indexes[depth]! - 1;
    let node = this.#path[depth]!.children[this.#indexes[depth]!]!;
    while (node.children !== null) {
      depth++;
      this.#path[depth] = node;
      this.#indexes[depth] = node.children.length - 1;
      node = node.children[node.children.length - 1]!;
    }
    this.#leaf = node;
    this.#index = node.keys.length - 1;
    return true;
  }
}
