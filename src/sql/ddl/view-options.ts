/**
 * What a view has beside its query: WITH [LOCAL | CASCADED] CHECK OPTION and the options in parentheses, the defaults of
 * its columns, and the ALTER VIEW that changes them.
 *
 * Limits: security_barrier is kept and shown; conditions of a query may be evaluated before those of the view.
 */
import { sqlError } from '../../base/errors.js';
import type { ViewDescriptor } from '../catalog/descriptor.js';
import { viewShape } from '../plan/view-shape.js';
import { storedDefault } from './columns.js';
import type { DdlContext } from './context.js';
import { refusedAction } from './alter-actions.js';
import { of, options, text, valueText } from './tree.js';
import type { Loose } from './tree.js';

type ViewOptions = Readonly<Record<string, string>>;

const BOOLEANS = /^(true|false|on|off|yes|no|1|0)$/i;

/** @throws 22023 */
function readOptions(value: unknown): ViewOptions {
  const read: Record<string, string> = {};
  for (const { name, arg } of options(value)) {
    const given = valueText(arg) || 'true';
    if (name === 'check_option') {
      if (!/^(local|cascaded)$/i.test(given)) {
        throw sqlError('22023', `invalid value for enum option "check_option": ${given}`, {
          detail: 'Valid values are "local" and "cascaded".',
        });
      }
      read[name] = given.toLowerCase();
    } else if (name === 'security_barrier' || name === 'security_invoker') {
      if (!BOOLEANS.test(given)) throw sqlError('22023', `invalid value for boolean option "${name}": ${given}`);
      read[name] = given;
    } else throw sqlError('22023', `unrecognized parameter "${name}"`);
  }
  return read;
}

/** Of CREATE VIEW. */
export function viewOptions(body: Loose): ViewOptions {
  const read = readOptions(body['options']);
  const check = text(body['withCheckOption']);
  if (check === 'LOCAL_CHECK_OPTION') return { ...read, check_option: 'local' };
  if (check === 'CASCADED_CHECK_OPTION') return { ...read, check_option: 'cascaded' };
  return read;
}

/** @throws 0A000 for a check option of a view through which nothing is written */
export function refuseIdleCheck(view: ViewDescriptor): void {
  if (view.options?.['check_option'] === undefined) return;
  const { problem } = viewShape(view);
  if (problem === null) return;
  throw sqlError('0A000', 'WITH CHECK OPTION is supported only on automatically updatable views', { hint: problem });
}

function items(node: unknown): unknown {
  const n = node as Loose | undefined;
  return n?.['List'] === undefined ? node : of(n, 'List')['items'];
}

/** ALTER VIEW, and ALTER TABLE of a view: the commands that a view takes. */
export async function alterView(ctx: DdlContext, view: ViewDescriptor, commands: readonly Loose[]): Promise<void> {
  let altered = view;
  for (const command of commands) altered = await altering(ctx, altered, command);
  if (altered === view) return;
  refuseIdleCheck(altered);
  ctx.catalog.put(ctx.txn, { ...altered, version: view.version + 1 });
}

async function altering(ctx: DdlContext, view: ViewDescriptor, command: Loose): Promise<ViewDescriptor> {
  switch (command['subtype']) {
    case 'AT_ColumnDefault':
      return withDefault(ctx, view, text(command['name']), command['def']);
    case 'AT_SetRelOptions':
      return { ...view, options: { ...view.options, ...readOptions(items(command['def'])) } };
    case 'AT_ResetRelOptions': {
      const gone = new Set(options(items(command['def'])).map((o) => o.name));
      const kept = Object.entries(view.options ?? {}).filter(([name]) => !gone.has(name));
      return { ...view, options: Object.fromEntries(kept) };
    }
    case 'AT_ChangeOwner':
      return view;
    default:
      throw refusedAction(view.name, 'views', command);
  }
}

async function withDefault(
  ctx: DdlContext,
  view: ViewDescriptor,
  name: string,
  node: unknown,
): Promise<ViewDescriptor> {
  const column = view.columns.find((c) => c.name === name);
  if (column === undefined) throw sqlError('42703', `column "${name}" of relation "${view.name}" does not exist`);
  const defaultSql = node === undefined ? null : await storedDefault(ctx, node, column);
  return { ...view, columns: view.columns.map((c) => (c === column ? { ...c, defaultSql } : c)) };
}
