/**
 * Node's globals of time and randomness, replaced by virtual ones while code that knows nothing of the
 * simulator runs in it: Date, timers (the globals, `node:timers` and `node:timers/promises`),
 * performance.now, AbortSignal.timeout, Math.random, and the random functions of `crypto` in both its forms.
 *
 * Named imports of Node's modules are live, so code that imported `setTimeout` from `node:timers/promises`
 * earlier gets the virtual one as well; code that copied a function into a variable of its own does not.
 *
 * Invariants
 * - Taking it back restores exactly what was there before, also what a test runner had put there.
 * - Timers made before are cleared by the real functions, virtual ones by the virtual functions.
 *
 * Not replaced: process.hrtime, process.nextTick and queueMicrotask (they take no time), the asynchronous
 * crypto.randomFill, key generation, real I/O.
 */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers';
import timersPromises from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Rng, TimerHandle } from '../env.js';

export interface VirtualWorld {
  /** Milliseconds since 1970. */
  nowMs(): number;
  monotonicMs(): number;
  after(ms: number, fn: () => void): TimerHandle;
  readonly rng: Rng;
}

type Fn = (...args: unknown[]) => unknown;

const DELAY_MS_MAX = 2 ** 31 - 1;

/** What `setTimeout` and `setInterval` give: as Node's, an object that also stands for its number. */
class VirtualTimer {
  readonly id: number;
  readonly #owner: VirtualTimers;
  readonly #ms: number;
  readonly #repeats: boolean;
  readonly #fn: () => void;
  #handle: TimerHandle;

  constructor(owner: VirtualTimers, id: number, ms: number, repeats: boolean, fn: () => void) {
    this.#owner = owner;
    this.id = id;
    this.#ms = ms;
    this.#repeats = repeats;
    this.#fn = fn;
    this.#handle = this.#arm();
  }

  #arm(): TimerHandle {
    return this.#owner.world.after(this.#ms, () => {
      if (this.#repeats) this.#handle = this.#arm();
      else this.#owner.timers.delete(this.id);
      this.#fn();
    });
  }

  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  hasRef(): boolean {
    return true;
  }
  refresh(): this {
    this.#handle.cancel();
    this.#owner.timers.set(this.id, this);
    this.#handle = this.#arm();
    return this;
  }
  close(): this {
    this.#handle.cancel();
    this.#owner.timers.delete(this.id);
    return this;
  }
  [Symbol.toPrimitive](): number {
    return this.id;
  }
  [Symbol.dispose](): void {
    this.close();
  }
}

class VirtualTimers {
  readonly world: VirtualWorld;
  readonly timers = new Map<number, VirtualTimer>();
  #ids = 0;

  constructor(world: VirtualWorld) {
    this.world = world;
  }

  start(fn: unknown, ms: unknown, repeats: boolean, args: unknown[]): VirtualTimer {
    if (typeof fn !== 'function') throw new TypeError('The "callback" argument must be of type function.');
    const given = Number(ms);
    // As Node does with what is no delay.
    const delay = given >= 1 && given <= DELAY_MS_MAX ? Math.trunc(given) : 1;
    const timer = new VirtualTimer(this, ++this.#ids, delay, repeats, () => void (fn as Fn)(...args));
    this.timers.set(timer.id, timer);
    return timer;
  }

  immediate(fn: unknown, args: unknown[]): VirtualTimer {
    if (typeof fn !== 'function') throw new TypeError('The "callback" argument must be of type function.');
    const timer = new VirtualTimer(this, ++this.#ids, 0, false, () => void (fn as Fn)(...args));
    this.timers.set(timer.id, timer);
    return timer;
  }

  /** False: it is none of these. */
  clear(timer: unknown): boolean {
    if (timer instanceof VirtualTimer) {
      timer.close();
      return true;
    }
    const id = typeof timer === 'string' || typeof timer === 'number' ? Number(timer) : NaN;
    const known = this.timers.get(id);
    known?.close();
    return known !== undefined;
  }

  sleep(ms: unknown, value: unknown, options: { readonly signal?: AbortSignal } = {}): Promise<unknown> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        timer.close();
        reject(aborted(signal));
      };
      const timer = this.start(
        () => {
          signal?.removeEventListener('abort', abort);
          resolve(value);
        },
        ms,
        false,
        [],
      );
      if (signal?.aborted === true) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });
  }

  async *interval(ms: unknown, value: unknown, options: { readonly signal?: AbortSignal } = {}): AsyncGenerator {
    for (;;) yield await this.sleep(ms, value, options);
  }
}

function aborted(signal: AbortSignal | undefined): Error {
  const error = new Error('The operation was aborted', { cause: signal?.reason });
  error.name = 'AbortError';
  return Object.assign(error, { code: 'ABORT_ERR' });
}

/** Replaced properties with what was there before. */
class Replacements {
  readonly #undo: (() => void)[] = [];

  /** Leaves alone what cannot be replaced: those call another one here that can. */
  set(target: object, key: PropertyKey, value: unknown): void {
    const before = Object.getOwnPropertyDescriptor(target, key);
    if (before?.configurable === false && before.writable !== true) return;
    const enumerable = before?.enumerable ?? false;
    Object.defineProperty(target, key, { value, writable: true, configurable: true, enumerable });
    this.#undo.push(() => {
      if (before === undefined) Reflect.deleteProperty(target, key);
      else Object.defineProperty(target, key, before);
    });
  }

  undo(): void {
    for (const step of this.#undo.splice(0).reverse()) step();
  }
}

/** The virtual world's time and randomness are everybody's until the returned function is called. */
export function installVirtualGlobals(world: VirtualWorld): () => void {
  const replaced = new Replacements();
  replaceTimers(replaced, new VirtualTimers(world));
  replaceTime(replaced, world);
  replaceRandomness(replaced, world.rng);
  syncBuiltinESMExports();
  return () => {
    replaced.undo();
    syncBuiltinESMExports();
  };
}

function replaceTimers(replaced: Replacements, virtual: VirtualTimers): void {
  const setTimeout = (fn: unknown, ms?: unknown, ...args: unknown[]): unknown => virtual.start(fn, ms, false, args);
  const setInterval = (fn: unknown, ms?: unknown, ...args: unknown[]): unknown => virtual.start(fn, ms, true, args);
  const setImmediate = (fn: unknown, ...args: unknown[]): unknown => virtual.immediate(fn, args);
  const sleep = (ms?: unknown, value?: unknown, options?: { readonly signal?: AbortSignal }): Promise<unknown> =>
    virtual.sleep(ms, value, options);
  const turn = (value?: unknown): Promise<unknown> =>
    new Promise((resolve) => void virtual.immediate(() => resolve(value), []));
  Object.defineProperty(setTimeout, promisify.custom, { value: sleep });
  Object.defineProperty(setImmediate, promisify.custom, { value: turn });
  const functions = {
    setTimeout,
    setInterval,
    setImmediate,
    clearTimeout: clearing(virtual, globalThis.clearTimeout as Fn),
    clearInterval: clearing(virtual, globalThis.clearInterval as Fn),
    clearImmediate: clearing(virtual, globalThis.clearImmediate as Fn),
  };
  for (const [name, fn] of Object.entries(functions)) {
    replaced.set(globalThis, name, fn);
    replaced.set(timers, name, fn);
  }
  replaced.set(timersPromises, 'setTimeout', sleep);
  replaced.set(timersPromises, 'setImmediate', turn);
  replaced.set(
    timersPromises,
    'setInterval',
    (ms?: unknown, value?: unknown, options?: { readonly signal?: AbortSignal }) =>
      virtual.interval(ms, value, options),
  );
  replaced.set(timersPromises.scheduler, 'wait', (ms?: unknown, options?: { readonly signal?: AbortSignal }) =>
    virtual.sleep(ms, undefined, options),
  );
  replaced.set(timersPromises.scheduler, 'yield', () => turn());
  replaced.set(AbortSignal, 'timeout', (ms: unknown) => {
    const controller = new AbortController();
    virtual.start(
      () => controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')),
      ms,
      false,
      [],
    );
    return controller.signal;
  });
}

function clearing(virtual: VirtualTimers, real: Fn): (timer: unknown) => void {
  return (timer) => {
    if (!virtual.clear(timer)) real(timer);
  };
}

function replaceTime(replaced: Replacements, world: VirtualWorld): void {
  const now = (): number => Math.floor(world.nowMs());
  const RealDate = globalThis.Date;
  const VirtualDate = new Proxy(RealDate, {
    apply: () => new RealDate(now()).toString(),
    construct: (target, args: unknown[], newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as object,
    get: (target, key) => (key === 'now' ? now : (Reflect.get(target, key) as unknown)),
  });
  replaced.set(globalThis, 'Date', VirtualDate);
  replaced.set(globalThis.performance, 'now', () => world.monotonicMs());
}

function replaceRandomness(replaced: Replacements, rng: Rng): void {
  const fill = <T extends ArrayBufferView>(view: T): T => {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    bytes.set(rng.bytes(bytes.length));
    return view;
  };
  const randomUUID = (): string => {
    const bytes = rng.bytes(16);
    bytes[6] = (bytes[6]! & 0x0f) | 0x40;
    bytes[8] = (bytes[8]! & 0x3f) | 0x80;
    return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  };
  replaced.set(Math, 'random', () => rng.next());
  replaced.set(globalThis.crypto, 'getRandomValues', fill);
  replaced.set(globalThis.crypto, 'randomUUID', randomUUID);
  replaced.set(crypto, 'randomUUID', randomUUID);
  replaced.set(crypto, 'randomFillSync', (view: ArrayBufferView, offset = 0, size?: number) => {
    const whole = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    fill(whole.subarray(offset, size === undefined ? whole.length : offset + size));
    return view;
  });
  replaced.set(crypto, 'randomBytes', (size: number, done?: (error: null, bytes: Buffer) => void) => {
    const bytes = rng.bytes(size);
    if (done === undefined) return bytes;
    queueMicrotask(() => done(null, bytes));
    return undefined;
  });
  replaced.set(crypto, 'randomInt', (...args: unknown[]) => {
    const done = typeof args.at(-1) === 'function' ? (args.pop() as (error: null, n: number) => void) : undefined;
    const [from, to] = (args.length > 1 ? args : [0, args[0]]) as [number, number];
    const drawn = from + rng.int(to - from);
    if (done === undefined) return drawn;
    queueMicrotask(() => done(null, drawn));
    return undefined;
  });
}
