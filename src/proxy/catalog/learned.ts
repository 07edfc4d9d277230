import { Recent } from '../../shared/recent.ts'

const MOST = 10_000

/** URIs that results mentioned and no list contains, with the server that did: the newest ten thousand. */
export class LearnedUris {
  readonly #servers = new Recent<string>(MOST)

  remember(uri: string, server: string): void {
    this.#servers.set(uri, server)
  }

  find(uri: string): string | undefined {
    const server = this.#servers.get(uri)
    if (server !== undefined) this.remember(uri, server)
    return server
  }
}
