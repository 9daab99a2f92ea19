/** The network of kernel namespaces that chaos cuts: what is cut is cut, one way, and comes back. */
import { spawn, spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../bench/random.js';
import { NamespaceNetwork, noNamespaces } from '../../chaos/namespaces.js';

const REASON = noNamespaces();
const PORT = 12_345;
const LISTEN = `require('node:net').createServer((s) => s.end('hello')).listen(${PORT}, '0.0.0.0', () => console.log('up'))`;
const DIAL = `
const socket = require('node:net').connect(${PORT}, process.argv[1]);
socket.on('data', (data) => { console.log(String(data)); process.exit(0); });
setTimeout(() => process.exit(1), 1500);
`;

describe.skipIf(REASON !== null)(`namespaces${REASON === null ? '' : ` (skipped: ${REASON})`}`, () => {
  let network: NamespaceNetwork;
  const children: ReturnType<typeof spawn>[] = [];

  beforeAll(async () => {
    network = new NamespaceNetwork({ ids: [1, 2, 3], rpcPort: () => PORT, sqlPort: () => PORT + 1 }, new Random(1));
    for (const id of [2, 3]) {
      const [command, ...args] = [...network.prefix(id), process.execPath, '-e', LISTEN];
      const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      children.push(child);
      await new Promise((resolve) => child.stdout!.once('data', resolve));
    }
  });
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
    network.destroy();
  });

  function reaches(from: number, to: number): boolean {
    const [command, ...args] = [...network.prefix(from), process.execPath, '-e', DIAL, network.rpcHost(to)];
    return spawnSync(command!, args).status === 0;
  }

  /** The tables change a moment after they were told to. */
  async function settle(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 200));
  }

  it('connects all nodes, and nothing passes a cut, in either direction of it', async () => {
    await settle();
    expect(reaches(1, 2)).toBe(true);
    network.cut(1, 2);
    await settle();
    expect(reaches(1, 2)).toBe(false);
    expect(reaches(1, 3)).toBe(true);
    network.mend(1, 2);
    // The answers' way.
    network.cut(2, 1);
    await settle();
    expect(reaches(1, 2)).toBe(false);
    network.heal();
    await settle();
    expect(reaches(1, 2)).toBe(true);
  });

  it('loses everything at a loss of 1, and nothing afterwards', async () => {
    network.setLoss(1, 3, 1, 0);
    await settle();
    expect(reaches(1, 3)).toBe(false);
    network.setLoss(1, 3, 0, 0);
    await settle();
    expect(reaches(1, 3)).toBe(true);
  });

  it('leaves nothing behind', () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    network.destroy();
    const left = spawnSync('ip', ['netns', 'list']).stdout.toString();
    expect(left).not.toContain(`quoral-${process.pid.toString(36)}-`);
  });
});
