/** Trees of EXPLAIN as text, and as the JSON that tools read: PostgreSQL's layout of either. */
import type { ExplainLayout, ExplainNode, ExplainTimes, ExplainValue } from './explain-tree.js';

function totalCost(node: ExplainNode): string {
  return (node.rows * 0.01 + 1).toFixed(2);
}

const perLoop = (sum: number, loops: number): number => (loops === 0 ? 0 : sum / loops);

// ---- text ----

export function explainText(root: ExplainNode, layout: ExplainLayout, times: ExplainTimes): string[] {
  const lines: string[] = [];
  textNode(root, layout, 0, lines);
  if (times.planningMs !== null) lines.push(`Planning Time: ${times.planningMs.toFixed(3)} ms`);
  if (times.executionMs !== null) lines.push(`Execution Time: ${times.executionMs.toFixed(3)} ms`);
  return lines;
}

/** `indent`: in steps of two spaces. */
function textNode(node: ExplainNode, layout: ExplainLayout, indent: number, lines: string[]): void {
  let at = indent;
  if (node.subplanName !== null) lines.push(`${'  '.repeat(at++)}${node.subplanName}`);
  const arrow = at === 0 ? '' : `${'  '.repeat(at)}->  `;
  if (at > 0) at += 2;
  lines.push(`${arrow}${node.title}${textCosts(node, layout)}${textFigures(node, layout)}`);
  at++;
  for (const [name, value] of node.details) {
    lines.push(`${'  '.repeat(at)}${name}: ${typeof value === 'string' ? value : value.join(', ')}`);
  }
  for (const child of node.children) textNode(child, layout, at, lines);
}

function textCosts(node: ExplainNode, layout: ExplainLayout): string {
  return layout.costs ? `  (cost=0.00..${totalCost(node)} rows=${node.rows} width=${node.width})` : '';
}

function textFigures(node: ExplainNode, layout: ExplainLayout): string {
  const { figures } = node;
  if (!layout.analyze || figures === undefined) return '';
  if (figures === null) return ' (never executed)';
  const { loops } = figures;
  const first = perLoop(figures.firstMs, loops).toFixed(3);
  const total = perLoop(figures.totalMs, loops).toFixed(3);
  const time = layout.timing ? `time=${first}..${total} ` : '';
  return ` (actual ${time}rows=${perLoop(figures.rows, loops).toFixed(0)} loops=${loops})`;
}

// ---- JSON ----

type JsonTree = ExplainValue | JsonObject | readonly JsonObject[];
class JsonObject {
  readonly members: (readonly [string, JsonTree])[] = [];
  add(name: string, value: JsonTree): this {
    this.members.push([name, value]);
    return this;
  }
}

export function explainJson(root: ExplainNode, layout: ExplainLayout, times: ExplainTimes): string {
  const whole = new JsonObject().add('Plan', jsonNode(root, layout));
  if (times.planningMs !== null) whole.add('Planning Time', number(times.planningMs, 3));
  if (layout.analyze) whole.add('Triggers', []);
  if (times.executionMs !== null) whole.add('Execution Time', number(times.executionMs, 3));
  return printed([whole], 0);
}

function number(value: number, digits: number): ExplainValue {
  return { raw: value.toFixed(digits) };
}

function jsonNode(node: ExplainNode, layout: ExplainLayout): JsonObject {
  const json = new JsonObject().add('Node Type', node.nodeType);
  if (node.relationship !== null) json.add('Parent Relationship', node.relationship);
  if (node.subplanName !== null) json.add('Subplan Name', node.subplanName);
  json.add('Parallel Aware', false).add('Async Capable', false);
  for (const [name, value] of node.facts) json.add(name, value);
  if (layout.costs) {
    json.add('Startup Cost', { raw: '0.00' }).add('Total Cost', { raw: totalCost(node) });
    json.add('Plan Rows', number(node.rows, 0)).add('Plan Width', number(node.width, 0));
  }
  if (layout.analyze && node.figures !== undefined) addFigures(json, node, layout);
  for (const [name, value] of node.details) json.add(name, value);
  if (node.children.length > 0) {
    json.add(
      'Plans',
      node.children.map((child) => jsonNode(child, layout)),
    );
  }
  return json;
}

function addFigures(json: JsonObject, node: ExplainNode, layout: ExplainLayout): void {
  const { loops, rows, firstMs, totalMs } = node.figures ?? { loops: 0, rows: 0, firstMs: 0, totalMs: 0 };
  if (layout.timing) {
    json.add('Actual Startup Time', number(perLoop(firstMs, loops), 3));
    json.add('Actual Total Time', number(perLoop(totalMs, loops), 3));
  }
  json.add('Actual Rows', number(perLoop(rows, loops), 0)).add('Actual Loops', number(loops, 0));
}

function isTexts(value: readonly unknown[]): value is readonly string[] {
  return value.length > 0 && typeof value[0] === 'string';
}

/** Objects one member a line, lists of texts on one line, as PostgreSQL prints them. */
function printed(value: JsonTree, depth: number): string {
  const pad = '  '.repeat(depth);
  if (typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value);
  if (value instanceof JsonObject) {
    const members = value.members.map(([name, v]) => `${pad}  ${JSON.stringify(name)}: ${printed(v, depth + 1)}`);
    return `{\n${members.join(',\n')}\n${pad}}`;
  }
  if ('raw' in value) return value.raw;
  if (isTexts(value)) return `[${value.map((text) => JSON.stringify(text)).join(', ')}]`;
  const items = (value as readonly JsonObject[]).map((item) => `${pad}  ${printed(item, depth + 1)}`);
  return items.length === 0 ? `[\n${pad}]` : `[\n${items.join(',\n')}\n${pad}]`;
}
