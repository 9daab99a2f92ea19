/** The functions and operators that take a JSON path. */
import { sqlError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';
import { Jsonb } from '../types/datum.js';
import type { Datum, JsonPath, JsonValue } from '../types/datum.js';
import { setPathRegexCheck } from '../types/json-path-parser.js';
import type { PathProgram } from '../types/json-path-tree.js';
import { fn, op, srf } from './define.js';
import type { DefineOptions } from './define.js';
import { Moment } from './json-path-datetime.js';
import { evaluatePath, isPathError } from './json-path-eval.js';
import type { Item } from './json-path-eval.js';
import { regexTest } from './regular-expressions.js';

setPathRegexCheck((pattern, flags) => void regexTest('', pattern, flags));

const NO_VARS = new Jsonb(new Map());

interface Asked {
  readonly document: Jsonb;
  readonly path: JsonPath;
  /** null: an operator's, for which every variable is null. */
  readonly vars: Jsonb | null;
  readonly silent: boolean;
  readonly useTimeZone: boolean;
}

function itemsOf(asked: Asked, ctx: ExecContext, existence: boolean): Iterable<Item> {
  return evaluatePath(asked.path.program as PathProgram, asked.document.value, {
    vars: asked.vars?.value,
    existence,
    silent: asked.silent,
    useTimeZone: asked.useTimeZone,
    format: ctx.format,
  });
}

function toJson(item: Item): JsonValue {
  return item instanceof Moment ? item.toText() : item;
}

/** Those found; a silent call keeps what came before an error. */
function found(asked: Asked, ctx: ExecContext): JsonValue[] {
  const list: JsonValue[] = [];
  try {
    for (const item of itemsOf(asked, ctx, false)) list.push(toJson(item));
  } catch (error) {
    if (!asked.silent || !isPathError(error)) throw error;
  }
  return list;
}

/** NULL if a silent call meets an error before it knows. */
function exists(asked: Asked, ctx: ExecContext): Datum {
  const { lax } = asked.path.program as PathProgram;
  try {
    let any = false;
    for (const _ of itemsOf(asked, ctx, true)) {
      any = true;
      // In strict mode the others might still be errors.
      if (lax) break;
    }
    return any;
  } catch (error) {
    if (!asked.silent || !isPathError(error)) throw error;
    return null;
  }
}

function matches(asked: Asked, ctx: ExecContext): Datum {
  const list = found(asked, ctx);
  const [only] = list;
  if (list.length === 1 && (typeof only === 'boolean' || only === null)) return only;
  if (!asked.silent) throw sqlError('22038', 'single boolean result is expected');
  return null;
}

for (const useTimeZone of [false, true]) {
  const suffix = useTimeZone ? '_tz' : '';
  const options: DefineOptions = {
    defaults: [NO_VARS, false],
    volatility: useTimeZone ? 'stable' : 'immutable',
  };
  const define = (name: string, result: string, answer: (asked: Asked, ctx: ExecContext) => Datum): void =>
    fn(
      `jsonb_path_${name}${suffix}(jsonb, jsonpath, jsonb, bool) ${result}`,
      (document: Jsonb, path: JsonPath, vars: Jsonb, silent: boolean, ctx: ExecContext) =>
        answer({ document, path, vars, silent, useTimeZone }, ctx),
      options,
    );
  define('exists', 'bool', exists);
  define('match', 'bool', matches);
  define('query_array', 'jsonb', (asked, ctx) => new Jsonb(found(asked, ctx)));
  define('query_first', 'jsonb', (asked, ctx) => {
    const [first] = found(asked, ctx);
    return first === undefined ? null : new Jsonb(first);
  });
  srf(
    `jsonb_path_query${suffix}(jsonb, jsonpath, jsonb, bool) jsonb`,
    (document: Jsonb, path: JsonPath, vars: Jsonb, silent: boolean, ctx: ExecContext) =>
      found({ document, path, vars, silent, useTimeZone }, ctx).map((item) => new Jsonb(item)),
    options,
  );
}

op('jsonb @? jsonpath = bool', (document: Jsonb, path: JsonPath, ctx: ExecContext) =>
  exists({ document, path, vars: null, silent: true, useTimeZone: false }, ctx),
);
op('jsonb @@ jsonpath = bool', (document: Jsonb, path: JsonPath, ctx: ExecContext) =>
  matches({ document, path, vars: null, silent: true, useTimeZone: false }, ctx),
);
