/**
 * Takes the steps of a permutation on one server, one after the other, as PostgreSQL's own tester does: a step that the
 * server says waits for a lock of another session stays under way while the next is begun, and its end is told when it
 * comes. What happened is a list of lines, which are compared between servers.
 */
import type { Session, StepOutcome } from './session.js';
import type { Spec, Taken } from './spec.js';

export interface Trace {
  readonly lines: readonly string[];
  readonly sqlstates: readonly string[];
}

/** So many questions in a row must find a session waiting: what it waits for may just have ended. */
const ASKED = 3;
const PAUSE_MS = 8;
/** A step that takes longer is said to wait, though the server does not say so. A busy server may take seconds. */
const UNSEEN_MS = 10_000;
/** A session that waits so long for what nobody will end before its next step: the permutation is not for this server. */
const STUCK_MS = 400;
const IS_BLOCKED = 'SELECT pg_catalog.pg_isolation_test_session_is_blocked';

interface UnderWay {
  readonly taken: Taken;
  outcome: StepOutcome | null;
  told: boolean;
  /** Of each session named by a marker, when the step was begun. */
  readonly notices: ReadonlyMap<string, number>;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class Tester {
  readonly #spec: Spec;
  readonly #control: Session;
  readonly #sessions: readonly Session[];
  readonly #pids: string;
  #lines: string[] = [];
  #sqlstates: string[] = [];
  #underWay: UnderWay[] = [];

  constructor(spec: Spec, control: Session, sessions: readonly Session[]) {
    this.#spec = spec;
    this.#control = control;
    this.#sessions = sessions;
    this.#pids = `'{${[control, ...sessions].map(({ pid }) => pid).join(',')}}'`;
  }

  async run(permutation: readonly Taken[]): Promise<Trace> {
    this.#lines = [];
    this.#sqlstates = [];
    this.#underWay = [];
    for (const [i, { setup }] of this.#spec.sessions.entries())
      if (setup !== null) this.#tell(await this.#sessions[i]!.run(setup));
    for (const taken of permutation) if (!(await this.#take(taken))) break;
    if (!(await this.#all())) await this.#cancel();
    for (const [i, { teardown }] of this.#spec.sessions.entries())
      if (teardown !== null) this.#tell(await this.#sessions[i]!.run(teardown));
    return { lines: this.#lines, sqlstates: this.#sqlstates };
  }

  /** False: the step can never begin. */
  async #take(taken: Taken): Promise<boolean> {
    const { session } = taken.step;
    if (!(await this.#until(() => !this.#busy(session)))) {
      this.#lines.push(`step ${taken.step.name}: its session waits for ever`);
      await this.#cancel();
      return false;
    }
    const notices = new Map(this.#sessions.map(({ name, notices: count }) => [name, count]));
    const step: UnderWay = { taken, outcome: null, told: false, notices };
    this.#underWay.push(step);
    void this.#sessions[session]!.run(taken.step.sql).then((outcome) => (step.outcome = outcome));
    const waits = taken.markers.some(({ kind }) => kind === 'waits') || !(await this.#comesToEnd(step));
    if (waits) this.#lines.push(`step ${taken.step.name}: waits`);
    else this.#end(step);
    step.told = waits;
    await this.#endWaiting();
    return true;
  }

  #busy(session: number): boolean {
    return this.#underWay.some(({ taken }) => taken.step.session === session);
  }

  #end(step: UnderWay): void {
    this.#underWay = this.#underWay.filter((other) => other !== step);
    this.#lines.push(`step ${step.taken.step.name}${step.told ? ' has waited' : ''}:`);
    this.#tell(step.outcome!);
  }

  #tell({ lines, sqlstate }: StepOutcome): void {
    this.#lines.push(...lines.map((line) => `  ${line}`));
    if (sqlstate !== null) this.#sqlstates.push(sqlstate);
  }

  /** False: it waits for a lock, or for what its markers say. */
  async #comesToEnd(step: UnderWay): Promise<boolean> {
    const from = Date.now();
    const { pid } = this.#sessions[step.taken.step.session]!;
    for (let seen = 0; step.outcome === null;) {
      await pause(PAUSE_MS);
      if (step.outcome !== null) break;
      const { lines } = await this.#control.run(`${IS_BLOCKED}(${pid}, ${this.#pids})`);
      seen = lines.at(-1)?.trim() === 't' ? seen + 1 : 0;
      if (seen >= ASKED) return false;
      if (Date.now() - from > UNSEEN_MS) {
        if (!step.told) this.#lines.push(`step ${step.taken.step.name}: waits unseen`);
        return false;
      }
    }
    return !this.#heldBack(step);
  }

  #heldBack({ taken, notices }: UnderWay): boolean {
    return taken.markers.some((marker) => {
      if (marker.kind === 'waits') return false;
      if (marker.kind === 'step') return this.#underWay.some((other) => other.taken.step.name === marker.step);
      const owner = this.#spec.sessions.findIndex(({ steps }) => steps.some(({ name }) => name === marker.step));
      const session = this.#sessions[owner]!;
      return session.notices - notices.get(session.name)! < marker.count;
    });
  }

  /** Tells of the steps that waited and have come to their ends, which may be what others wait for. */
  async #endWaiting(): Promise<void> {
    for (let ended = true; ended;) {
      ended = false;
      for (const step of [...this.#underWay])
        if (step.told && (await this.#comesToEnd(step))) {
          this.#end(step);
          ended = true;
        }
    }
  }

  async #until(reached: () => boolean): Promise<boolean> {
    const from = Date.now();
    while (!reached()) {
      await this.#endWaiting();
      if (reached()) break;
      if (Date.now() - from > STUCK_MS) return false;
      await pause(PAUSE_MS);
    }
    return true;
  }

  async #all(): Promise<boolean> {
    if (await this.#until(() => this.#underWay.length === 0)) return true;
    this.#lines.push(`waits for ever: ${this.#underWay.map(({ taken }) => taken.step.name).join(', ')}`);
    return false;
  }

  async #cancel(): Promise<void> {
    for (const { taken } of this.#underWay)
      await this.#control.run(`SELECT pg_cancel_backend(${this.#sessions[taken.step.session]!.pid})`);
    const from = Date.now();
    while (this.#underWay.some(({ outcome }) => outcome === null) && Date.now() - from < UNSEEN_MS)
      await pause(PAUSE_MS);
    this.#underWay = [];
    for (const session of this.#sessions) await session.run('ROLLBACK');
  }
}
