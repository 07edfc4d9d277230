const MOST = 10_000

/** URIs that results mentioned and no list contains, with the server that did: the newest ten thousand. */
export class LearnedUris {
  readonly #servers = new Map<string, string>()

  remember(uri: string, server: string): void {
    this.#servers.delete(uri)
    this.#servers.set(uri, server)
    if (this.#servers.size > MOST) this.#forgetOldest()
  }

  find(uri: string): string | undefined {
    const server = this.#servers.get(uri)
    if (server !== undefined) this.remember(uri, server)
    return server
  }

  #forgetOldest(): void {
    for (const uri of this.#servers.keys()) {
      this.#servers.delete(uri)
      return
    }
  }
}
