/** SET of functions: the settings that hold while they run, as 'name=value' like PostgreSQL's proconfig. */
import { sqlError } from '../../base/errors.js';
import { quoteIdentifier } from '../types/identifiers.js';
import type { DdlContext } from './context.js';
import { list, of, text } from './tree.js';
import type { Loose } from './tree.js';

/** Their values are lists of names. */
const NAME_LISTS: ReadonlySet<string> = new Set([
  'search_path',
  'temp_tablespaces',
  'session_preload_libraries',
  'shared_preload_libraries',
  'local_preload_libraries',
]);

export function isNameList(setting: string): boolean {
  return NAME_LISTS.has(setting);
}

/** With the setting of one SET or RESET; null: none are left. `current`: for FROM CURRENT. */
export function withSetting(
  config: readonly string[] | null,
  node: Loose,
  current: (name: string) => string | null,
): readonly string[] | null {
  const set = of(node, 'VariableSetStmt');
  const name = text(set['name']).toLowerCase();
  switch (set['kind']) {
    case 'VAR_RESET_ALL':
      return null;
    case 'VAR_SET_MULTI':
      throw sqlError('0A000', `SET ${text(set['name'])} in a function is not supported`);
    default: {
      const known = current(name);
      if (known === null && !name.includes('.'))
        throw sqlError('42704', `unrecognized configuration parameter "${name}"`);
      const given =
        set['kind'] === 'VAR_SET_VALUE'
          ? [`${name}=${valueOf(name, list(set['args']))}`]
          : set['kind'] === 'VAR_SET_CURRENT'
            ? [`${name}=${known ?? ''}`]
            : [];
      // One that was set before keeps its place.
      const kept = (config ?? []).flatMap((entry) => (entry.startsWith(`${name}=`) ? given.splice(0) : [entry]));
      kept.push(...given);
      return kept.length === 0 ? null : kept;
    }
  }
}

/** As withSetting, for a function: whoever makes it may set that. @throws QuoralError 42704, 22023, 42501 */
export function routineConfig(
  { session }: DdlContext,
  config: readonly string[] | null,
  node: Loose,
): readonly string[] | null {
  const lower = config?.map((entry) => named(entry, (name) => name.toLowerCase())) ?? null;
  const next = withSetting(lower, node, (name) => session.setting(name));
  const set = of(node, 'VariableSetStmt');
  const name = text(set['name']).toLowerCase();
  const added = String(set['kind']).startsWith('VAR_RESET') ? undefined : next?.find((e) => e.startsWith(`${name}=`));
  if (added !== undefined) session.checkSetting(name, added.slice(name.length + 1));
  return next?.map((entry) => named(entry, (lowerName) => session.settingName(lowerName))) ?? null;
}

/** The entry under another name. */
export function named(entry: string, nameOf: (name: string) => string): string {
  const at = entry.indexOf('=');
  return nameOf(entry.slice(0, at)) + entry.slice(at);
}

function valueOf(name: string, args: readonly Loose[]): string {
  const values = args.map((arg) => {
    const cast = arg['TypeCast'] === undefined ? arg : ((of(arg, 'TypeCast')['arg'] ?? {}) as Loose);
    const constant = of(cast, 'A_Const');
    if (constant['ival'] !== undefined) return String((constant['ival'] as Loose)['ival'] ?? 0);
    if (constant['fval'] !== undefined) return text((constant['fval'] as Loose)['fval']);
    const value = text((constant['sval'] as Loose | undefined)?.['sval']);
    return isNameList(name) ? quoteIdentifier(value) : value;
  });
  return values.join(', ');
}
