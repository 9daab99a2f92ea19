/** The oids of views' rules, of which PostgreSQL has one for each view: above every id that is given out. */

const FIRST = 0xc0000000;
const ID_MAX = 0x3fffffff;

export function ruleOid(view: { readonly id: number }): number {
  return FIRST + (view.id & ID_MAX);
}

/** The view that a rule of this oid is of, if there is such a view. */
export function viewOfRule(oid: number): number | null {
  return oid >= FIRST ? oid - FIRST : null;
}
