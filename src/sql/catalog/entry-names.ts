/** Names of what is no relation, as they stand beside those of relations and schemas. No name of a user begins so. */

/** In front of the names of built-in functions that users have overloads of. No schema's name begins so. */
export const OVERLOAD = '\0builtin/';

/** No relation's name has this in front. */
export function typeEntryName(name: string): string {
  return `\0type/${name}`;
}

export function routineEntryName(name: string): string {
  return `\0routine/${name}`;
}

/** Among the schemas' names, so that whoever knows those knows without looking that there is none. */
export function overloadEntryName(name: string): string {
  return `${OVERLOAD}${name}`;
}
