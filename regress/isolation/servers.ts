/** One server's side of an isolation test: its database, and its connections for one specification. */
import { splitScript } from '../split.js';
import { Session } from './session.js';
import type { Spec, Taken } from './spec.js';
import { Tester, type Trace } from './tester.js';

/** Numbers of statements of the setup, counted over all its blocks. */
export type Refused = ReadonlySet<number>;

export class Side {
  readonly #spec: Spec;
  readonly #control: Session;
  readonly #sessions: readonly Session[];

  private constructor(spec: Spec, control: Session, sessions: readonly Session[]) {
    this.#spec = spec;
    this.#control = control;
    this.#sessions = sessions;
  }

  static async connect(spec: Spec, name: string, url: string): Promise<Side> {
    const open = (session: string): Promise<Session> => Session.connect(session, url, `isolation/${name}/${session}`);
    const control = await open('control');
    const sessions: Session[] = [];
    for (const session of spec.sessions) sessions.push(await open(session.name));
    return new Side(spec, control, sessions);
  }

  /**
   * Statement by statement, so that one that is refused takes no others with it; but for those in `without`. Returns which
   * were refused.
   */
  async setUp(without: Refused): Promise<Set<number>> {
    const refused = new Set<number>();
    let index = 0;
    for (const setup of this.#spec.setups)
      for (const { text } of splitScript(setup)) {
        const at = index++;
        if (!without.has(at) && (await this.#control.run(text)).sqlstate !== null) refused.add(at);
      }
    return refused;
  }

  run(permutation: readonly Taken[]): Promise<Trace> {
    return new Tester(this.#spec, this.#control, this.#sessions).run(permutation);
  }

  /** What cannot be dropped was never made. */
  async tearDown(): Promise<void> {
    for (const session of this.#sessions) await session.run('ROLLBACK');
    for (const { text } of splitScript(this.#spec.teardown ?? '')) await this.#control.run(text);
  }

  async close(): Promise<void> {
    for (const session of [...this.#sessions, this.#control]) await session.close();
  }
}
