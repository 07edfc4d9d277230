import type { Group, Server } from '../config/profile.ts'
import { canonical } from '../shared/canonical.ts'

/**
 * Digests of what is configured, equal for equal configurations. Profiles are frozen: each part is digested once, by
 * whoever asks first, and not again at each turn of the loop.
 */
export class Hashes {
  readonly #digest: (text: string) => string
  readonly #known = new WeakMap<object, string>()

  /** `digest` is keyed: definitions hold secrets, and hashes are shown. */
  constructor(digest: (text: string) => string) {
    this.#digest = digest
  }

  of(value: unknown): string {
    return this.#digest(canonical(value))
  }

  server(server: Server): string {
    return this.#once(server, () => this.of(server))
  }

  /** Of all but the address, which is compared for itself: changing it moves the proxy, and that is no reload. */
  group(group: Group): string {
    return this.#once(group, () => {
      const { host: _host, port: _port, servers, ...settings } = group
      return this.of({ ...settings, servers: servers.map((server) => [server.name, this.server(server)]) })
    })
  }

  #once(part: object, hash: () => string): string {
    const known = this.#known.get(part)
    if (known !== undefined) return known
    const made = hash()
    this.#known.set(part, made)
    return made
  }
}
