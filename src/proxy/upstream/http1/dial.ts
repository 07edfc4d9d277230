import { connect as connectPlain, isIP, type LookupFunction, type Socket, type TcpNetConnectOpts } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls'
import { LinkFailure } from '../failure.ts'
import { closedByServer } from '../socket-failure.ts'
import { Intake } from './intake.ts'

const KEEP_ALIVE_MS = 15_000

export interface DialOptions {
  readonly origin: string
  /** For TCP and TLS together, in milliseconds. */
  readonly connect: number
  /** Tells the address of the host, for one connection; undefined as the system does. */
  readonly lookup?: LookupFunction | undefined
}

/** Exactly one of the two is called, once. */
export interface Dialled {
  opened(socket: Socket, intake: Intake): void
  failed(error: Error): void
}

/** Opens connections to one origin; from the second on TLS resumes the session of an earlier one. */
export class Dial {
  readonly #isSecure: boolean
  readonly #host: string
  readonly #port: number
  readonly #connect: number
  readonly #lookup: { readonly lookup?: LookupFunction }
  #session: Buffer | undefined
  /** Reading the authorities takes longer than all else we do for a handshake. */
  #context: SecureContext | undefined

  constructor({ origin, connect, lookup }: DialOptions) {
    const { protocol, hostname, port } = new URL(origin)
    this.#isSecure = protocol === 'https:'
    this.#host = hostname.replace(/^\[|\]$/g, '')
    this.#port = Number(port) || (this.#isSecure ? 443 : 80)
    this.#connect = connect
    this.#lookup = lookup ? { lookup } : {}
  }

  /** The socket, not yet connected. */
  open({ opened, failed }: Dialled): Socket {
    const intake = new Intake()
    const options = { host: this.#host, port: this.#port, onread: intake.onread, ...this.#lookup }
    const socket = this.#isSecure ? this.#secure(options) : connectPlain(options)
    const late = new LinkFailure('unreachable', 'no connection in time')
    const timer = setTimeout(() => socket.destroy(late), this.#connect)
    let error: Error | undefined
    const onError = (thrown: Error): void => {
      error = thrown
    }
    const onClose = (): void => {
      clearTimeout(timer)
      // A session that the server no longer takes must not fail the next attempt too.
      this.#session = undefined
      failed(error ?? closedByServer())
    }
    socket.on('error', onError).on('close', onClose)
    socket.once(this.#isSecure ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer)
      socket.off('error', onError).off('close', onClose)
      socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS)
      opened(socket, intake)
    })
    return socket
  }

  #secure({ host, ...plain }: TcpNetConnectOpts): Socket {
    // An address is no name to ask for (RFC 6066, 3).
    const name = host !== undefined && isIP(host) === 0 ? { servername: host } : {}
    const session = this.#session ? { session: this.#session } : {}
    this.#context ??= createSecureContext()
    return connectTls({
      host,
      ...plain,
      secureContext: this.#context,
      ALPNProtocols: ['http/1.1'],
      ...name,
      ...session,
    }).on('session', (fresh: Buffer) => {
      this.#session = fresh
    })
  }
}
