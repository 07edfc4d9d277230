import type { Server } from '../../config/profile.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Connection } from './connection.ts'
import type { Dialer } from './dialer.ts'
import { isNonsense, LinkFailure } from './failure.ts'
import { type HandshakeOptions, handshake } from './handshake.ts'
import type { Link } from './link.ts'
import type { Opening } from './opener.ts'
import type { Snapshot } from './snapshot.ts'

export interface ContactOptions extends Pick<HandshakeOptions, 'timing' | 'log' | 'declares' | 'client' | 'relist'> {
  readonly server: Server
  readonly dialer: Dialer
  readonly snapshot: Snapshot
}

/** How one server is reached and greeted: over which transport, and in which era. */
export class Contact {
  readonly #options: ContactOptions
  /** Found out at the first connect, so that a lost session comes back over the same transport. */
  #transport: Link['transport']

  constructor(options: ContactOptions) {
    const { kind } = options.server.transport
    this.#options = options
    this.#transport = kind === 'auto' ? 'http' : kind
  }

  /** What it speaks; for `auto` a guess until it was ready once. */
  get transport(): Link['transport'] {
    return this.#transport
  }

  /** A greeted connection; rejects with LinkFailure. */
  async open(opening: Opening): Promise<Connection> {
    try {
      return await this.#dial(opening)
    } catch (error) {
      // An answer that is none of any era: next time nothing is taken for granted.
      if (error instanceof LinkFailure && isNonsense(error)) this.#options.snapshot.forgetEra()
      throw error
    }
  }

  /** `auto`: a server that does not know Streamable HTTP is asked for HTTP+SSE, as the specification advises. */
  async #dial(opening: Opening): Promise<Connection> {
    const { transport, protocol } = this.#options.server
    try {
      return await this.#shake(this.#transport, opening)
    } catch (error) {
      const isOther = error instanceof LinkFailure && error.kind === 'unsuitable'
      if (!isOther || transport.kind !== 'auto' || protocol === 'modern') throw error
      const connection = await this.#shake('sse', opening).catch((second: unknown) => {
        this.#options.log.debug('no HTTP+SSE either', { reason: messageOf(second) })
        throw error
      })
      this.#transport = 'sse'
      return connection
    }
  }

  #shake(transport: Link['transport'], opening: Opening): Promise<Connection> {
    const { server, dialer, snapshot, timing, log, declares, client, relist } = this.#options
    const { name, protocol, timeouts } = server
    return handshake({
      ...opening,
      ...{ name, timeouts, protocol, timing, log, declares, client, relist },
      // What a process speaks it says itself.
      verdict: transport === 'stdio' ? undefined : snapshot,
      budget: timeouts.connect,
      openLink: (events) => dialer.open(transport, events, opening.signal),
    })
  }
}
