/** Trees of EXPLAIN as text, and as the JSON, YAML and XML that tools read: PostgreSQL's layout of each. */
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

// ---- JSON, YAML, XML ----

export type Markup = 'json' | 'yaml' | 'xml';
type Tree = ExplainValue | Members | readonly Members[];
class Members {
  readonly members: (readonly [string, Tree])[] = [];
  add(name: string, value: Tree): this {
    this.members.push([name, value]);
    return this;
  }
}

export function explainMarkup(root: ExplainNode, layout: ExplainLayout, times: ExplainTimes, markup: Markup): string {
  const whole = new Members().add('Plan', nodeMembers(root, layout));
  if (times.planningMs !== null) whole.add('Planning Time', number(times.planningMs, 3));
  if (layout.analyze) whole.add('Triggers', []);
  if (times.executionMs !== null) whole.add('Execution Time', number(times.executionMs, 3));
  if (markup === 'json') return json([whole], 0);
  return markup === 'yaml' ? `- ${yaml(whole, 1)}` : xmlDocument(`  <Query>\n${xml(whole, 2)}\n  </Query>`);
}

/** The whole answer for a statement that has no plan. */
export function noPlanMarkup(markup: Markup): string {
  if (markup === 'json') return '[\n  "Utility Statement"\n]';
  return markup === 'yaml' ? '- "Utility Statement"' : xmlDocument('  <Utility-Statement />');
}

function number(value: number, digits: number): ExplainValue {
  return { raw: value.toFixed(digits) };
}

function nodeMembers(node: ExplainNode, layout: ExplainLayout): Members {
  const own = new Members().add('Node Type', node.nodeType);
  if (node.relationship !== null) own.add('Parent Relationship', node.relationship);
  if (node.subplanName !== null) own.add('Subplan Name', node.subplanName);
  own.add('Parallel Aware', false).add('Async Capable', false);
  for (const [name, value] of node.facts) own.add(name, value);
  if (layout.costs) {
    own.add('Startup Cost', { raw: '0.00' }).add('Total Cost', { raw: totalCost(node) });
    own.add('Plan Rows', number(node.rows, 0)).add('Plan Width', number(node.width, 0));
  }
  if (layout.analyze && node.figures !== undefined) addFigures(own, node, layout);
  for (const [name, value] of node.details) own.add(name, value);
  if (node.children.length > 0) {
    own.add(
      'Plans',
      node.children.map((child) => nodeMembers(child, layout)),
    );
  }
  return own;
}

function addFigures(own: Members, node: ExplainNode, layout: ExplainLayout): void {
  const { loops, rows, firstMs, totalMs } = node.figures ?? { loops: 0, rows: 0, firstMs: 0, totalMs: 0 };
  if (layout.timing) {
    own.add('Actual Startup Time', number(perLoop(firstMs, loops), 3));
    own.add('Actual Total Time', number(perLoop(totalMs, loops), 3));
  }
  own.add('Actual Rows', number(perLoop(rows, loops), 0)).add('Actual Loops', number(loops, 0));
}

function isTexts(value: readonly unknown[]): value is readonly string[] {
  return value.length > 0 && typeof value[0] === 'string';
}

/** Objects one member a line, lists of texts on one line, as PostgreSQL prints them. */
function json(value: Tree, depth: number): string {
  const pad = '  '.repeat(depth);
  if (typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value);
  if (value instanceof Members) {
    const members = value.members.map(([name, v]) => `${pad}  ${JSON.stringify(name)}: ${json(v, depth + 1)}`);
    return `{\n${members.join(',\n')}\n${pad}}`;
  }
  if ('raw' in value) return value.raw;
  if (isTexts(value)) return `[${value.map((text) => JSON.stringify(text)).join(', ')}]`;
  const items = (value as readonly Members[]).map((item) => `${pad}  ${json(item, depth + 1)}`);
  return items.length === 0 ? `[\n${pad}]` : `[\n${items.join(',\n')}\n${pad}]`;
}

/** What follows a name's colon and space, or, of members, the dash of the list they are in. */
function yaml(value: Tree, depth: number): string {
  const pad = '  '.repeat(depth);
  if (typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value);
  if (value instanceof Members)
    return value.members
      .map(([name, v]) => `${name}: ${v instanceof Members ? `\n${pad}  ` : ''}${yaml(v, depth + 1)}`)
      .join(`\n${pad}`);
  if ('raw' in value) return value.raw;
  return value.map((item: string | Members) => `\n${pad}- ${yaml(item, depth + 1)}`).join('');
}

function xmlDocument(content: string): string {
  return `<explain xmlns="http://www.postgresql.org/2009/explain">\n${content}\n</explain>`;
}

function xml(value: Members, depth: number): string {
  return value.members.map(([name, v]) => xmlElement(name, v, depth)).join('\n');
}

function xmlElement(name: string, value: Tree, depth: number): string {
  const pad = '  '.repeat(depth);
  const tag = name.replace(/[^\w.-]/g, '-');
  const around = (content: string): string => `${pad}<${tag}>\n${content}${pad}</${tag}>`;
  if (typeof value === 'string') return `${pad}<${tag}>${xmlText(value)}</${tag}>`;
  if (typeof value === 'boolean') return `${pad}<${tag}>${value}</${tag}>`;
  if (value instanceof Members) return around(`${xml(value, depth + 1)}\n`);
  if ('raw' in value) return `${pad}<${tag}>${value.raw}</${tag}>`;
  const one = isTexts(value) ? 'Item' : 'Plan';
  return around(value.map((item: string | Members) => `${xmlElement(one, item, depth + 1)}\n`).join(''));
}

const XML_ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#x0d;' };
function xmlText(text: string): string {
  return text.replace(/[&<>\r]/g, (c) => XML_ESCAPES[c]!);
}
