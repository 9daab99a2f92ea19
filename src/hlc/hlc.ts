/**
 * The hybrid logical clock (DESIGN 3): one safe integer of microseconds that never runs backwards,
 * follows the wall clock when that moves, and takes in what other nodes' clocks say.
 *
 * Invariants
 * 1. `now()` is greater than everything it returned and everything `update` accepted before.
 * 2. A remote timestamp more than `maxOffsetUs` ahead of the wall clock is refused, so one broken
 *    clock cannot drag the cluster's clocks into the future.
 * 3. Over a restart too nothing is returned twice: an upper bound of what may be returned is on
 *    disk before it is reached, and a start waits until the wall clock is within a fifth of the maximum
 *    offset of the old bound (after a clean stop the bound is exact), then goes on above it. A fifth is
 *    what wall clocks that differ by the 80 % that are tolerated leave: with more, a node that has just
 *    started would seem to be too far ahead to one whose clock is slow.
 *
 * The bound lies `boundAheadUs` (3 s) ahead and is extended in the background when less than two
 * thirds of that are left. If the process or its disk stalls longer than that, `now()` follows the
 * wall clock past the bound all the same, counts it (`boundOverruns`), and the extension follows at
 * once. Freezing the clock there instead would be worse: a leaseholder that wakes up after a long
 * pause would believe its expired lease to be valid. HAZARD: only when the process also dies before
 * that write AND the wall clock is set back over the restart can a timestamp then be used twice.
 *
 * Offsets to other nodes are measured by heartbeats (src/cluster/store-liveness.ts) and kept here
 * for ten seconds each. `tooFarOff()` is true while more nodes than a majority allows are more than
 * 80 % of the maximum offset away for certain (the round trip's uncertainty is in our favour).
 */
import { damagedFile, textChecksum } from '../base/checksum.js';
import type { NodeId, Timestamp } from '../base/ids.js';
import { QuoralError } from '../base/errors.js';
import { mark } from '../base/probes.js';
import type { Clock, Disk, HlcClock, Logger, TimerHandle, Timers } from '../env/env.js';

export interface HlcOptions {
  /** Largest tolerated difference between two nodes' clocks; default 250 ms. */
  readonly maxOffsetUs?: number;
  /** Where the upper bound is kept; null keeps none (a node in memory). */
  readonly boundPath: string | null;
  /** How far ahead of the clock the persisted bound lies; default 3 s. */
  readonly boundAheadUs?: number;
  /** A start waits at most this long for the wall clock to reach the bound; default 60 s. */
  readonly startWaitUsMax?: number;
}

export interface HlcDependencies {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly disk: Disk;
  readonly logger: Logger;
}

export interface ClockOffset {
  readonly node: NodeId;
  /** Positive: the other node's clock is ahead. */
  readonly offsetUs: number;
  readonly uncertaintyUs: number;
}

/** A remote timestamp that lies too far in the future. */
export class ClockOffsetError extends QuoralError {
  override readonly name = 'ClockOffsetError';
  readonly aheadUs: number;

  constructor(aheadUs: number, maxOffsetUs: number) {
    super(
      '58000',
      `remote clock is ${Math.round(aheadUs / 1000)} ms ahead, more than the maximum offset of ${maxOffsetUs / 1000} ms`,
      {
        fields: { hint: 'Synchronise the clocks of the nodes (NTP or chrony).' },
      },
    );
    this.aheadUs = aheadUs;
  }
}

const OFFSET_FRESH_MS = 10_000;
const TOLERATED_SHARE = 0.8;

export class Hlc implements HlcClock {
  readonly maxOffsetUs: number;
  readonly #options: HlcOptions;
  readonly #clock: Clock;
  readonly #disk: Disk;
  readonly #logger: Logger;
  readonly #boundAheadUs: number;
  readonly #offsets = new Map<NodeId, { offsetUs: number; uncertaintyUs: number; atMs: number }>();
  #last: Timestamp;
  #bound: Timestamp = Number.MAX_SAFE_INTEGER;
  #overrunBound = 0;
  #extending: Promise<void> | null = null;
  #timer: TimerHandle | null = null;
  #stopped = false;
  /** How often the clock had to pass a bound that was not yet extended. */
  boundOverruns = 0;

  /** @throws QuoralError when the wall clock lies far behind the last run's. */
  static async open(options: HlcOptions, deps: HlcDependencies): Promise<Hlc> {
    const maxOffsetUs = options.maxOffsetUs ?? 250_000;
    let floor = 0;
    if (options.boundPath !== null) {
      const bytes = await deps.disk.readFile(options.boundPath);
      if (bytes !== null) floor = parseBound(bytes, options.boundPath);
    }
    const slackUs = maxOffsetUs * (1 - TOLERATED_SHARE);
    const waitUs = floor - deps.clock.wallUs() - slackUs;
    const waitUsMax = options.startWaitUsMax ?? 60_000_000;
    if (waitUs > waitUsMax) {
      throw new QuoralError('58000', `the system clock is ${Math.round(waitUs / 1e6)} s behind this node's last run`, {
        fields: {
          hint: `Correct the system clock. If the earlier clock was the wrong one, wait, or remove "${options.boundPath}" after checking that no node has timestamps from the future.`,
        },
        severity: 'FATAL',
      });
    }
    while (floor - deps.clock.wallUs() > slackUs) {
      await deps.timers.sleep(Math.max(1, Math.ceil((floor - deps.clock.wallUs() - slackUs) / 1000)));
    }
    const hlc = new Hlc(options, deps, floor, maxOffsetUs);
    if (options.boundPath !== null) await hlc.#start(deps.timers);
    return hlc;
  }

  private constructor(options: HlcOptions, deps: HlcDependencies, floor: Timestamp, maxOffsetUs: number) {
    this.#options = options;
    this.#clock = deps.clock;
    this.#disk = deps.disk;
    this.#logger = deps.logger;
    this.#last = floor;
    this.maxOffsetUs = maxOffsetUs;
    this.#boundAheadUs = options.boundAheadUs ?? 3_000_000;
  }

  now(): Timestamp {
    const wall = this.#clock.wallUs();
    const ts = wall > this.#last ? wall : this.#last + 1;
    this.#last = ts;
    if (ts > this.#bound) this.#overrun();
    return ts;
  }

  /** The latest timestamp returned or accepted; does not move the clock. */
  peek(): Timestamp {
    return this.#last;
  }

  /** @throws ClockOffsetError */
  update(remote: Timestamp): void {
    if (remote <= this.#last) return;
    const aheadUs = remote - this.#clock.wallUs();
    if (aheadUs > this.maxOffsetUs) throw new ClockOffsetError(aheadUs, this.maxOffsetUs);
    this.#last = remote;
    if (remote > this.#bound) this.#overrun();
  }

  /** A measurement of another node's clock against this one's. */
  recordOffset(node: NodeId, offsetUs: number, uncertaintyUs: number): void {
    const atMs = this.#clock.monotonicMs();
    const known = this.#offsets.get(node);
    // A slow round trip says little: it does not replace a sharper measurement that is recent.
    if (known !== undefined && known.uncertaintyUs < uncertaintyUs && atMs - known.atMs < OFFSET_FRESH_MS / 2) return;
    this.#offsets.set(node, { offsetUs, uncertaintyUs, atMs });
  }

  /** Fresh measurements, by node. */
  offsets(): ClockOffset[] {
    const nowMs = this.#clock.monotonicMs();
    const fresh: ClockOffset[] = [];
    for (const [node, entry] of this.#offsets) {
      if (nowMs - entry.atMs > OFFSET_FRESH_MS) continue;
      fresh.push({ node, offsetUs: entry.offsetUs, uncertaintyUs: entry.uncertaintyUs });
    }
    return fresh.sort((a, b) => a.node - b.node);
  }

  /** This node disagrees with more than half of the nodes it hears of, itself included. */
  tooFarOff(): boolean {
    const fresh = this.offsets();
    let far = 0;
    for (const entry of fresh) {
      if (Math.abs(entry.offsetUs) - entry.uncertaintyUs > TOLERATED_SHARE * this.maxOffsetUs) far++;
    }
    return far * 2 > fresh.length + 1;
  }

  /** Stops the background work and persists the exact clock; `now()` must not be used afterwards. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#timer?.cancel();
    if (this.#extending !== null) await this.#extending;
    if (this.#options.boundPath !== null) await this.#persist(this.now());
  }

  async #start(timers: Timers): Promise<void> {
    await this.#persist(Math.max(this.#last, this.#clock.wallUs()) + this.#boundAheadUs);
    this.#timer = timers.every(Math.max(1, this.#boundAheadUs / 10_000), () => {
      const reached = Math.max(this.#last, this.#clock.wallUs());
      if (this.#bound - reached < (this.#boundAheadUs * 2) / 3) this.#extend();
    });
  }

  #overrun(): void {
    if (this.#overrunBound !== this.#bound) {
      mark('clock-bound-passed');
      this.#overrunBound = this.#bound;
      this.boundOverruns++;
      this.#logger.log('warn', 'the clock passed its persisted bound: the process or its disk stalled', {
        behindMs: Math.round((this.#last - this.#bound) / 1000),
      });
    }
    if (!this.#stopped) this.#extend();
  }

  #extend(): void {
    if (this.#extending !== null || this.#stopped) return;
    const bound = Math.max(this.#last, this.#clock.wallUs()) + this.#boundAheadUs;
    this.#extending = this.#persist(bound)
      .catch((error: unknown) => {
        this.#logger.log('error', 'the bound of the clock could not be written', { error });
      })
      .finally(() => {
        this.#extending = null;
      });
  }

  async #persist(bound: Timestamp): Promise<void> {
    if (this.#options.boundPath === null) return;
    await this.#disk.writeFileSync(this.#options.boundPath, formatBound(bound));
    this.#bound = bound;
  }
}

/** The file of the bound: for whoever writes the one of a node that does not run. */
export function formatBound(bound: Timestamp): Buffer {
  return Buffer.from(`${bound} ${textChecksum(String(bound))}\n`);
}

/** The number and its checksum: a torn or flipped one would be a bound all the same, and a wrong one. */
function parseBound(bytes: Buffer, path: string): Timestamp {
  const match = /^(\d{1,16}) ([0-9a-f]{8})\n$/.exec(bytes.toString('latin1'));
  const value = Number(match?.[1] ?? NaN);
  if (match === null || !Number.isSafeInteger(value) || textChecksum(match[1] as string) !== match[2]) {
    throw damagedFile(path);
  }
  return value;
}
