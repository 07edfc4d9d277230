import { fixturePath, startFixture } from './fixture.ts'

/** When a rule of a chaos server holds, and what it then does; see fixtures/servers/chaos.mjs. */
interface ChaosRule {
  /** A method, `tools/call:NAME` or `*`. */
  readonly on: string
  readonly nth?: number
  readonly from?: number
  readonly every?: number
  readonly times?: number
  readonly chance?: number
  readonly stderr?: number
  readonly flood?: {
    readonly message?: unknown
    readonly text?: string
    readonly times?: number
    readonly rate?: number
  }
  readonly delay?: number
  readonly forget?: true
  readonly close?: 'stdin' | 'stdout' | 'socket'
  readonly deaf?: true
  readonly write?: string
  readonly kill?: NodeJS.Signals
  readonly exit?: number
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly never?: true
  readonly end?: false
  readonly result?: unknown
  readonly error?: unknown
  readonly bytes?: number
  readonly depth?: number
}

/** What a chaos server does. */
export interface ChaosScript {
  readonly protocol?: string
  readonly capabilities?: unknown
  readonly tools?: number
  readonly lists?: readonly (readonly string[])[]
  readonly pages?: 'endless' | 'repeat'
  readonly banner?: string
  readonly exit?: number
  readonly ignore?: readonly NodeJS.Signals[]
  readonly answer?: 'json' | 'sse'
  readonly stream?: true | 'closes'
  readonly seed?: number
  readonly on?: readonly ChaosRule[]
}

/** The command line of a chaos server over stdio. */
export function chaosCommand(script: ChaosScript = {}): { readonly command: string; readonly args: string[] } {
  return { command: process.execPath, args: [fixturePath('chaos'), 'stdio', JSON.stringify(script)] }
}

export interface ChaosServer extends AsyncDisposable {
  readonly pid: number
  /** The URL for clients: `/mcp`, or `/sse` of HTTP+SSE. */
  readonly url: string
  /** Another script from now on. */
  script(next: ChaosScript): Promise<void>
  /** Drops all sessions: the next request of each gets 404. */
  forget(): Promise<void>
  /** Ends all connections with RST. */
  reset(): Promise<void>
  stats(): Promise<ChaosStats>
}

interface ChaosStats {
  readonly connections: number
  readonly initializes: number
  readonly posts: number
  readonly gets: number
  readonly sessions: number
  readonly streams: number
  readonly methods: Readonly<Record<string, number>>
}

/** Starts a chaos server on a port of its own. */
export async function chaosServer(transport: 'http' | 'sse', script: ChaosScript = {}): Promise<ChaosServer> {
  const fixture = await startFixture('chaos', [transport, JSON.stringify(script)])
  const tell = async (path: string, body: unknown = {}) => {
    await (await fetch(new URL(path, fixture.address), { method: 'POST', body: JSON.stringify(body) })).text()
  }
  return {
    pid: fixture.pid,
    url: fixture.address,
    script: (next) => tell('/script', next),
    forget: () => tell('/forget'),
    // Its own connection goes as well.
    reset: () => tell('/reset').catch(() => {}),
    stats: async () => JSON.parse(await (await fetch(new URL('/stats', fixture.address))).text()),
    [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose](),
  }
}
