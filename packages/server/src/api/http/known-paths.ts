/** The methods of each path, so that other methods get 405 with `Allow`, and only unknown paths get 404. */
export class KnownPaths {
  readonly #paths = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>()

  /** @param url a route's path, with parameters as `:name` */
  add(url: string, methods: string | readonly string[]): void {
    let known = this.#paths.get(url)
    if (known === undefined) {
      const pattern = new RegExp(`^${url.replaceAll('.', '\\.').replaceAll(/:[A-Za-z]+/g, '[^/]+')}$`)
      known = { pattern, methods: new Set() }
      this.#paths.set(url, known)
    }
    for (const method of [methods].flat()) known.methods.add(method)
  }

  /** The methods of a request's path, as in `Allow`; undefined for an unknown path. */
  allow(path: string): string | undefined {
    for (const { pattern, methods } of this.#paths.values()) {
      if (pattern.test(path)) return [...methods].sort().join(', ')
    }
    return undefined
  }
}
