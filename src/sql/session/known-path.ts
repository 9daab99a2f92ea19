/** What there is of the search path, kept while a statement has its view of the catalog: each name that is shown asks for it. */
export class KnownPath {
  #of: readonly string[] = [];
  #schemas: ReadonlyMap<string, number> | undefined = undefined;
  #path: readonly string[] | null = null;

  /** `of` and `schemas`: what `make` makes it of. */
  get(
    of: readonly string[],
    schemas: ReadonlyMap<string, number> | undefined,
    make: () => readonly string[],
  ): readonly string[] {
    if (this.#path !== null && this.#of === of && this.#schemas === schemas) return this.#path;
    this.#of = of;
    this.#schemas = schemas;
    this.#path = make();
    return this.#path;
  }

  forget(): void {
    this.#path = null;
  }
}
