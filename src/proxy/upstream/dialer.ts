import type { LookupFunction } from 'node:net'
import type { HttpTransport, Server } from '../../config/profile.ts'
import type { Log } from '../../shared/log.ts'
import type { Env } from '../../shared/paths.ts'
import { environment } from './environment.ts'
import { HttpLink } from './http.ts'
import { createPool } from './http-client.ts'
import type { Link, LinkEvents } from './link.ts'
import { timelyLookup } from './lookup.ts'
import { Quiet } from './quiet.ts'
import { openSse } from './sse.ts'
import { openStdio } from './stdio.ts'
import type { Timing } from './timing.ts'

const CONNECT_MS = 10_000
const SHORTEST_IDLE_MS = 1000
/** For clients that share a session: eight calls at once take two turns, whatever a handshake costs. */
const WARM = 4

export interface DialerOptions {
  readonly server: Server
  /** Whether many clients use it. */
  readonly isShared: boolean
  readonly owner: string
  readonly env: Env
  readonly userAgent: string
  readonly timing: Timing
  readonly log: Log
  /** Takes what a process writes to stderr. */
  readonly output: Log
  /** How host names are looked up; undefined as the system does it. */
  readonly lookup: LookupFunction | undefined
}

/** Opens links to one server, and keeps what outlives a link: the connections to a remote one. */
export interface Dialer extends AsyncDisposable {
  open(kind: Link['transport'], events: LinkEvents, signal: AbortSignal): Promise<Link>
}

export function createDialer(options: DialerOptions): Dialer {
  const { transport, resolve } = options.server
  if (transport.kind !== 'stdio') return dialRemote(transport, options)
  const { env, owner, timing, log, output } = options
  return {
    open: (_kind, events) => {
      const child = environment({ env, configured: transport.env, owner })
      return openStdio({ transport, env: child, resolve, stages: timing.stop, log, output, events })
    },
    async [Symbol.asyncDispose]() {},
  }
}

function dialRemote(transport: HttpTransport, options: DialerOptions): Dialer {
  const { server, isShared, userAgent, log, lookup } = options
  const { idle, connect } = server.timeouts
  const { origin } = new URL(transport.url)
  const pool = createPool({
    origin,
    idle: Math.max(idle, SHORTEST_IDLE_MS),
    connect: Math.min(connect, CONNECT_MS),
    warm: isShared ? WARM : 1,
    lookup: timelyLookup(lookup),
  })
  const quiet = new Quiet()
  return {
    open: (kind, events, signal) =>
      kind === 'sse'
        ? openSse({ transport, pool, quiet, userAgent, events }, signal)
        : Promise.resolve(new HttpLink({ transport, pool, quiet, userAgent, log, events })),
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  }
}
