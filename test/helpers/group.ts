import { createHash } from 'node:crypto'
import type { BearerAuth, Group, Limits, Server } from '../../src/config/profile.ts'
import { fixturePath } from './fixture.ts'

const everything = { allow: 'all', deny: [], rename: {}, override: {} } as const

/** A resolved server with the defaults, talking to nobody until a transport is given. */
export function serverOf(name: string, fields: Partial<Server> = {}): Server {
  return {
    name,
    transport: { kind: 'http', url: 'http://127.0.0.1:9/mcp', headers: {} },
    enabled: true,
    required: false,
    prefix: `${name}_`,
    tools: everything,
    resources: everything,
    prompts: everything,
    timeouts: { connect: 10_000, request: 60_000, max: 600_000, idle: 300_000 },
    protocol: 'auto',
    session: 'auto',
    resolve: 'auto',
    restart: { policy: 'always', backoff: 100, maxBackoff: 2_000 },
    retry: { attempts: 2, backoff: 100 },
    cache: { mode: 'swr', persist: false },
    stateful: false,
    exclusive: false,
    integrity: 'warn',
    onNew: 'warn',
    pins: null,
    forwardHeaders: [],
    ...fields,
  }
}

/** A server run from `test/fixtures/servers/FIXTURE.mjs` over stdio. */
export function stdioServer(name: string, fixture: string, fields: Partial<Server> = {}): Server {
  const transport = {
    kind: 'stdio',
    command: process.execPath,
    args: [fixturePath(fixture)],
    env: {},
    cwd: '/',
  } as const
  return serverOf(name, { transport, ...fields })
}

/** What only some of the tests say is by default. */
type GroupFields = Omit<Partial<Group>, 'limits'> & { readonly limits?: Partial<Limits> }

export function bearer(...tokens: readonly string[]): BearerAuth {
  const digest = (token: string) => createHash('sha256').update(token).digest('hex')
  return { type: 'bearer', tokens: tokens.map((token, index) => ({ name: `${index + 1}`, digest: digest(token) })) }
}

export function groupOf(servers: readonly Server[], { limits, ...fields }: GroupFields = {}): Group {
  return {
    name: 'local',
    host: '127.0.0.1',
    port: 'auto',
    servers,
    auth: { type: 'none' },
    allowedHosts: [],
    allowedOrigins: [],
    limits: {
      maxBody: 4 * 1024 * 1024,
      maxSessions: 10_000,
      maxStreams: 4,
      maxInFlight: 256,
      maxRate: 100,
      memory: 1024 ** 3,
      ...limits,
    },
    listWait: 5_000,
    ...fields,
  }
}
