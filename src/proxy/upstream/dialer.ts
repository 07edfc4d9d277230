import type { HttpTransport, Server } from '../../config/profile.ts'
import type { Log } from '../../shared/log.ts'
import type { Env } from '../../shared/paths.ts'
import { environment } from './environment.ts'
import { HttpLink } from './http.ts'
import type { Link, LinkEvents } from './link.ts'
import { createPool, type Pool } from './pool.ts'
import { openSse } from './sse.ts'
import { openStdio } from './stdio.ts'
import type { Timing } from './timing.ts'

const CONNECT_MS = 10_000
const SHORTEST_IDLE_MS = 1000

export interface DialerOptions {
  readonly server: Server
  readonly owner: string
  readonly env: Env
  readonly userAgent: string
  readonly timing: Timing
  readonly log: Log
}

/** Opens links to one server, and keeps what outlives a link: the connections to a remote one. */
export interface Dialer extends AsyncDisposable {
  open(kind: Link['transport'], events: LinkEvents, signal: AbortSignal): Promise<Link>
}

export function createDialer(options: DialerOptions): Dialer {
  const { transport, resolve } = options.server
  if (transport.kind !== 'stdio') return dialRemote(transport, options)
  const { env, owner, timing, log } = options
  return {
    open: (_kind, events) => {
      const child = environment({ env, configured: transport.env, owner })
      return openStdio({ transport, env: child, resolve, stages: timing.stop, log, events })
    },
    async [Symbol.asyncDispose]() {},
  }
}

function dialRemote(transport: HttpTransport, { server, userAgent, log }: DialerOptions): Dialer {
  const { idle, connect } = server.timeouts
  const { origin } = new URL(transport.url)
  const newPool = (): Pool =>
    createPool({ origin, idle: Math.max(idle, SHORTEST_IDLE_MS), connect: Math.min(connect, CONNECT_MS) })
  const pool = newPool()
  const streams = newPool()
  return {
    open: (kind, events, signal) =>
      kind === 'sse'
        ? openSse({ transport, pool, streams, userAgent, events }, signal)
        : Promise.resolve(new HttpLink({ transport, pool, streams, userAgent, log, events })),
    async [Symbol.asyncDispose]() {
      await Promise.all([pool[Symbol.asyncDispose](), streams[Symbol.asyncDispose]()])
    },
  }
}
