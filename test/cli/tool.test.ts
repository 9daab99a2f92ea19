import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/cli/exit.js';
import { runTool, wholeNumber } from '../../src/cli/tool.js';

const TOOL = {
  name: 'tool',
  usage: 'tool [options]\n  --size N',
  options: { size: { type: 'string', default: '1' }, quick: { type: 'boolean', default: false } },
} as const;

async function run(...args: string[]): Promise<{ code: number; out: string; error: string; worked: number[] }> {
  const worked: number[] = [];
  let out = '';
  let error = '';
  const code = await runTool(
    TOOL,
    args,
    ({ values }) => {
      worked.push(wholeNumber('tool', 'size', values.size, 1));
      if (values.quick) throw new Error('no');
      return 3;
    },
    { out: (text) => (out += text), error: (text) => (error += text) },
  );
  return { code, out, error, worked };
}

describe('the command line of a tool', () => {
  it('gives the arguments to the work, whose code is that of the process', async () => {
    expect(await run('--size', '7')).toEqual({ code: 3, out: '', error: '', worked: [7] });
  });

  it('says how it goes', async () => {
    for (const help of ['--help', '-h'])
      expect(await run(help)).toEqual({ code: 0, out: `${TOOL.usage}\n`, error: '', worked: [] });
  });

  it('says in one line what is wrong, and how it goes', async () => {
    const wrong: [string[], string][] = [
      [['--sise', '7'], "tool: Unknown option '--sise'"],
      [['--size'], "tool: Option '--size <value>' argument missing"],
      [['--quick=1'], "tool: Option '--quick' does not take an argument"],
      [['file'], "tool: Unexpected argument 'file'"],
      [['--size', '0'], 'tool: --size wants a whole number from 1 on, not "0"'],
      [['--size', 'x'], 'tool: --size wants a whole number from 1 on, not "x"'],
    ];
    for (const [args, line] of wrong)
      expect(await run(...args)).toEqual({ code: 2, out: '', error: `${line}\n\n${TOOL.usage}\n`, worked: [] });
  });

  it('tells of what failed, which is no mistake of the caller', async () => {
    const { code, error } = await run('--quick');
    expect(code).toBe(1);
    expect(error).toMatch(/^tool: Error: no\n/);
    expect(() => wholeNumber('tool', 'size', '1.5')).toThrow(UsageError);
  });
});
