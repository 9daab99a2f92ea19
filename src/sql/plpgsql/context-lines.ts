/** Lines of an error's context. */

export function statementLine(text: string): string {
  return `SQL statement "${text}"`;
}

export function functionLine(name: string, statement: number): string {
  return `SQL function "${name}" statement ${statement}`;
}
