/**
 * Plans with literals lifted out. Clients of the simple protocol write values into their texts, so that hardly any
 * text comes twice; parsing and planning cost such a statement more than its execution. A text whose template
 * (parse/written-literals.ts) has come before is run by the plan of the same text with parameters in place of
 * literals, which are read as that plan wants them.
 *
 * Invariants:
 * - The answer is that of the text as written. Which literals are lifted is told from a parse tree, once for each
 *   template, since texts with the same template have the same tree but for the literals' values; a literal that is not
 *   lifted stays in the text of the plan. If anything is in the way (a value that its type does not take, a plan that is no
 *   longer current, parameters whose types cannot be found), the text is parsed and planned as written.
 * - So every error of parsing and planning comes from the text as written, with its positions.
 * - The plan has the same shape as that with the literals (plan/plan-shape.ts).
 *
 * A template is planned so when it comes for the second time; setting plan_cache_mode to force_generic_plan has
 * that done for the first, force_custom_plan never.
 */
import { QuoralError } from '../../base/errors.js';
import { parseSql } from '../parse/parser.js';
import {
  numberOf,
  stringOf,
  writtenLiterals,
  type LiteralKind,
  type WrittenLiteral,
  type WrittenText,
} from '../parse/written-literals.js';
import { liftableLiterals, type LiftableLiteral } from '../plan/liftable-literals.js';
import { nextToken } from '../parse/tokens.js';
import type { ParsedStatement } from '../contract.js';
import type { Datum } from '../types/datum.js';
import { NAMES_OF_OBJECTS, OID } from '../types/oids.js';
import { findTypeByOid } from '../types/registry.js';
import { baseOidOf, isHandle, userTypeOf } from '../types/user-types.js';
import type { FormatContext, TypeInfo } from '../types/type-info.js';
import { cachedStatement, planFor, validPlan } from './planning.js';
import { Prepared } from './portal.js';
import type { Session } from './session.js';
import { isPlanned } from './statement-kinds.js';
import type { Template, TemplateSlot } from './templates.js';

type WrittenSlot = Omit<TemplateSlot, 'type' | 'fit'>;

/** A text that has a template, which may be known. */
export interface Liftable {
  readonly written: WrittenText;
  readonly key: string;
}

/** null: nothing is to be lifted from it now. */
export function liftable(session: Session, text: string): Liftable | null {
  if (session.state.state === 'failed') return null;
  const { planCacheMode, planKey } = session.settings.derived;
  if (planCacheMode === 'force_custom_plan' || session.transaction.catalogChanged) return null;
  const written = writtenLiterals(text);
  return written === null ? null : { written, key: `${planKey}\x02${written.template}` };
}

/** The statement with its values, if its template was learnt and all is as it was then. */
export function liftedStatement(session: Session, { written, key }: Liftable): Prepared | null {
  const { templates } = session.server;
  const template = templates.get(key);
  if (template === null) return null;
  const values = readValues(written, template.slots, session.format);
  if (values === null) return null;
  const text = textWithParameters(written, template.slots);
  const prepared = cachedStatement(session, text, template.oids);
  if (prepared === null || validPlan(session, prepared) === null) {
    templates.forget(key);
    return null;
  }
  templates.used(key);
  prepared.written = { text: written.text, values };
  // Of the client's there are none.
  prepared.parameterOids = [];
  return prepared;
}

/**
 * Plans the text both ways, if its template has come before (or it is to be done at once), and gives the lifted
 * statement. What fails is left to whoever runs the statement as it is.
 */
export async function learnTemplate(
  session: Session,
  liftable: Liftable,
  prepared: Prepared,
): Promise<Prepared | null> {
  const { written, key } = liftable;
  const { templates, catalog } = session.server;
  const { epoch } = catalog;
  const atOnce = session.settings.derived.planCacheMode === 'force_generic_plan';
  if (!isPlanned(prepared.statement!) || !templates.isDue(key, epoch, atOnce)) return null;
  const slots = slotsOf(written, prepared.statement!);
  if (slots.length === 0) {
    templates.putNone(key, null);
    return null;
  }
  try {
    if (session.state.state === 'idle') session.state.apply('statement');
    const template = await makeTemplate(session, written, slots, prepared);
    if (template === null) templates.putNone(key, epoch);
    else templates.put(key, template);
  } catch (error) {
    if (!(error instanceof QuoralError)) throw error;
    // Whatever it is, the statement itself will meet it.
    templates.forget(key);
  }
  return liftedStatement(session, liftable);
}

/** null: it would not be the same, or not as good, as the catalog is. */
async function makeTemplate(
  session: Session,
  written: WrittenText,
  slots: readonly WrittenSlot[],
  prepared: Prepared,
): Promise<Template | null> {
  const plain = await planFor(session, prepared);
  const shape = plain.compiled.shape();
  if (shape === null || plain.needsView || !plain.compiled.cacheable) return null;
  const oids = slots.map(({ kind }) => TYPES[kind]);
  const lifted = await planLifted(session, textWithParameters(written, slots), oids);
  if (lifted === null || lifted.compiled.shape() !== shape) return null;
  const typed: TemplateSlot[] = [];
  for (const [i, slot] of slots.entries()) {
    const type = typeOf(lifted.compiled.parameterOids[i] ?? 0);
    if (type === null) return null;
    typed.push({ ...slot, type, fit: lifted.compiled.parameterFits?.[i] ?? null });
  }
  return { slots: typed, oids };
}

async function planLifted(
  session: Session,
  text: string,
  oids: readonly number[],
): Promise<Awaited<ReturnType<typeof planFor>> | null> {
  try {
    const statements = parseSql(text);
    return statements.length === 1 ? await planFor(session, new Prepared(text, statements[0]!, oids, true)) : null;
  } catch (error) {
    if (error instanceof QuoralError && error.retry === 'none') return null;
    throw error;
  }
}

/** What the literals are before anything gives them a type; 0: to be found. */
const TYPES: Readonly<Record<LiteralKind, number>> = { i: OID.int4, l: OID.int8, d: OID.numeric, s: 0 };

/** null: its values are not all told from their texts, or it may come to mean something else. */
function typeOf(oid: number): TypeInfo | null {
  if (isHandle(oid) && baseOidOf(oid) !== oid) return typeOf(baseOidOf(oid));
  // A plan is out of date when an enum of it was changed, and so is the handle then.
  if (isHandle(oid)) return userTypeOf(oid)?.kind === 'enum' ? findTypeByOid(oid) : null;
  if (oid === 0 || oid === OID.unknown) return null;
  const type = findTypeByOid(oid);
  const names = type !== null && NAMES_OF_OBJECTS.includes(type.elementOid === 0 ? oid : type.elementOid);
  return names ? null : type;
}

/** The literals of which text and tree say the same, and the tree that they can be lifted. */
function slotsOf(written: WrittenText, statement: ParsedStatement): WrittenSlot[] {
  const allowed = liftableLiterals(statement);
  const slots: WrittenSlot[] = [];
  for (const [at, literal] of written.literals.entries()) {
    const { kind, start, minus } = literal;
    const plain = allowed.get(start);
    if (plain !== undefined) {
      if (isTheSame(written.text, literal, plain)) slots.push({ at, kind, isNegative: false });
    } else if (kind !== 's' && minus >= 0) {
      const signed = allowed.get(minus);
      const digits = written.text.slice(start, literal.end);
      if (signed?.value === `-${digits}` || (signed?.value === '0' && Number(digits) === 0)) {
        slots.push({ at, kind, isNegative: true });
      }
    }
  }
  return slots;
}

function isTheSame(text: string, literal: WrittenLiteral, { value, isCast }: LiftableLiteral): boolean {
  if (literal.kind !== 's') {
    const digits = text.slice(literal.start, literal.end);
    return literal.kind === 'd' ? digits === value : BigInt(digits) === BigInt(value);
  }
  if (stringOf(text, literal) !== value) return false;
  const next = nextToken(text, literal.end);
  return !isCast || next?.text === '::' || next?.text === 'as';
}

function textWithParameters({ text, literals }: WrittenText, slots: readonly WrittenSlot[]): string {
  let made = '';
  let from = 0;
  for (let i = 0; i < slots.length; i++) {
    const { at, isNegative } = slots[i]!;
    const { start, end, minus } = literals[at]!;
    made += `${text.slice(from, isNegative ? minus : start)} $${i + 1} `;
    from = end;
  }
  return made + text.slice(from);
}

/** null: one is no value of its type. 'now' and 'today' are those of the statement, which has begun. */
function readValues(written: WrittenText, slots: readonly TemplateSlot[], format: FormatContext): Datum[] | null {
  const { text, literals } = written;
  const values = new Array<Datum>(slots.length);
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i]!;
    const { at, kind, isNegative } = slot;
    const literal = literals[at]!;
    if (kind !== 's') {
      values[i] = numberOf(text, literal, isNegative);
      continue;
    }
    const string = stringOf(text, literal);
    if (string.includes('\0')) return null;
    try {
      values[i] = readString(string, slot, format);
    } catch (error) {
      if (error instanceof QuoralError) return null;
      throw error;
    }
  }
  return values;
}

/** As the planner reads a literal: an interval's precision says how to read it, others are cut to length afterwards. */
function readString(string: string, { type, fit }: TemplateSlot, format: FormatContext): Datum {
  if (fit === null) return type.input(string, -1, format);
  const { typmod, explicit } = fit;
  if (type.oid === OID.interval) return type.input(string, typmod, format);
  const value = type.input(string, -1, format);
  return value === null ? null : type.applyTypmod(value, typmod, explicit);
}
