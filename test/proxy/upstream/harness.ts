import type { LookupFunction } from 'node:net'
import { join } from 'node:path'
import type { HttpTransport, Server, StdioTransport } from '../../../src/config/profile.ts'
import { Parking } from '../../../src/proxy/bridge/parking.ts'
import type { Asking, Exchange } from '../../../src/proxy/mcp/exchange.ts'
import {
  isError,
  isRecord,
  type Params,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
} from '../../../src/proxy/mcp/rpc.ts'
import { memoryKeyOf } from '../../../src/proxy/servers/memory-key.ts'
import { itself } from '../../../src/proxy/upstream/connection.ts'
import { sharedCapabilities } from '../../../src/proxy/upstream/handshake.ts'
import { Retries } from '../../../src/proxy/upstream/retries.ts'
import { Snapshot } from '../../../src/proxy/upstream/snapshot.ts'
import { SnapshotFolder } from '../../../src/proxy/upstream/snapshot-folder.ts'
import type { Timing } from '../../../src/proxy/upstream/timing.ts'
import { Turns } from '../../../src/proxy/upstream/turns.ts'
import { Upstream } from '../../../src/proxy/upstream/upstream.ts'
import { createLog } from '../../../src/shared/log.ts'
import type { ServerState } from '../../../src/shared/status.ts'
import { fixturePath } from '../../helpers/fixture.ts'

type Overrides = Partial<Omit<Server, 'timeouts' | 'restart'>> & {
  readonly timeouts?: Partial<Server['timeouts']>
  readonly restart?: Partial<Server['restart']>
}

/** A server definition as a profile would resolve it. */
export function serverOf(transport: Server['transport'], overrides: Overrides = {}): Server {
  const everything = { allow: 'all', deny: [], rename: {}, override: {} } as const
  return {
    name: 'fixture',
    transport,
    enabled: true,
    required: false,
    prefix: '',
    tools: everything,
    resources: everything,
    prompts: everything,
    protocol: 'auto',
    session: 'auto',
    resolve: 'auto',
    retry: { attempts: 3, backoff: 20 },
    cache: { mode: 'swr', persist: false },
    stateful: false,
    exclusive: false,
    integrity: 'warn',
    onNew: 'warn',
    pins: null,
    forwardHeaders: [],
    ...overrides,
    timeouts: { connect: 10_000, request: 10_000, max: 60_000, idle: 60_000, ...overrides.timeouts },
    restart: { policy: 'always', backoff: 100, maxBackoff: 1000, ...overrides.restart },
  }
}

export function stdio(name: string, env: Readonly<Record<string, string>> = {}): StdioTransport {
  return { kind: 'stdio', command: process.execPath, args: [fixturePath(name)], env, cwd: process.cwd() }
}

export function http(url: string, overrides: Partial<HttpTransport> = {}): HttpTransport {
  return { kind: 'auto', url, headers: {}, ...overrides }
}

export interface Observed extends AsyncDisposable {
  readonly upstream: Upstream
  /** States in the order they were entered. */
  readonly states: ServerState[]
  readonly notifications: RpcNotification[]
  readonly logs: Readonly<Record<string, unknown>>[]
  /** How often new lists were announced. */
  listed: number
}

export interface ObserveOptions {
  /** The folder in which snapshots are kept; without it nothing is. */
  readonly owner?: string
  /** What must not get onto the disk. */
  readonly secrets?: readonly string[]
  readonly timing?: Partial<Timing>
  /** Shared with other upstreams; without it nobody waits. */
  readonly turns?: Turns
  readonly retries?: Retries
  /** How host names are looked up. */
  readonly lookup?: LookupFunction
}

/** A started upstream with everything it tells its owner. */
export function observe(server: Server, options: ObserveOptions = {}): Observed {
  const { owner, secrets = [], timing = {}, turns, retries = new Retries(), lookup } = options
  const logs: Readonly<Record<string, unknown>>[] = []
  const log = createLog({ level: 'debug', write: (line) => logs.push(JSON.parse(line)) })
  const upstream = new Upstream({
    server,
    owner: owner ?? '/nowhere',
    env: process.env,
    declares: { capabilities: sharedCapabilities, clientInfo: { name: 'mcpctl-test', version: '0.0.0' } },
    version: '0.0.0',
    parking: new Parking(),
    turns: turns ?? new Turns({ most: 1, longest: 1000 }),
    snapshot: new Snapshot({
      use: owner === undefined ? 'off' : 'keep',
      folder: new SnapshotFolder({ path: join(owner ?? '/nowhere', 'catalog'), secrets: () => secrets }),
      key: memoryKeyOf(server),
      log,
      now: Date.now,
    }),
    log,
    retries,
    ...(lookup && { lookup }),
    timing: { stop: { eof: 300, term: 300, kill: 2000 }, ...timing },
    events: {
      changed: ({ state }) => observed.states.at(-1) !== state && observed.states.push(state),
      listed: () => observed.listed++,
      notified: (_upstream, notification) => observed.notifications.push(notification),
    },
  })
  const observed: Observed = {
    upstream,
    states: [],
    notifications: [],
    logs,
    listed: 0,
    [Symbol.asyncDispose]: () => upstream.close(),
  }
  upstream.start()
  return observed
}

/** A started upstream that is ready. */
export async function observeReady(server: Server, options: ObserveOptions = {}): Promise<Observed> {
  const observed = observe(server, options)
  await observed.upstream.settled()
  if (observed.upstream.state === 'ready') return observed
  const { state, lastError } = observed.upstream
  await observed.upstream.close()
  throw new Error(`not ready but ${state}: ${lastError}`)
}

export interface TestExchange extends Exchange {
  readonly notifications: RpcNotification[]
  readonly requests: RpcRequest[]
  /** The pauses after which the stream of its answer was to go on. */
  readonly parted: (number | undefined)[]
  abort(reason: string): void
}

type Answer = (request: RpcRequest, asking: Asking) => Promise<RpcResponse>

/** An exchange that remembers what it was told, and answers the server's questions with `answer`. */
export function exchange(method: string, params: Exchange['params'], answer: Answer = refuse): TestExchange {
  const controller = new AbortController()
  const notifications: RpcNotification[] = []
  const requests: RpcRequest[] = []
  const parted: (number | undefined)[] = []
  return {
    method,
    params,
    notifications,
    requests,
    parted,
    signal: controller.signal,
    caller: itself('legacy'),
    abort: (reason) => controller.abort(new Error(reason)),
    sink: {
      notify: (notification) => void notifications.push(notification),
      request: (request, asking) => {
        requests.push(request)
        return answer(request, asking)
      },
      parted: (retryMs) => void parted.push(retryMs),
    },
  }
}

export function toolCall(
  name: string,
  args: Record<string, unknown> = {},
  meta?: object,
  answer?: Answer,
): TestExchange {
  return exchange('tools/call', { name, arguments: args, ...(meta ? { _meta: meta } : {}) }, answer)
}

/** A request of a modern client: it carries its envelope. */
export function modern(method: string, params: Params = {}, meta: Params = {}): TestExchange {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'client', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
    ...meta,
  }
  return { ...exchange(method, { ...params, _meta }), caller: itself('modern') }
}

export function modernCall(name: string, args: Params = {}, meta: Params = {}): TestExchange {
  return modern('tools/call', { name, arguments: args }, meta)
}

/** What the tool said, as the JSON value it is. */
export function saidBy(response: RpcResponse): unknown {
  return JSON.parse(textOf(response))
}

/** The text of the first content block, or of the error. */
export function textOf(response: RpcResponse): string {
  if (isError(response)) return `error ${response.error.code}: ${response.error.message}`
  const { content } = response.result
  const first: unknown = Array.isArray(content) ? content[0] : undefined
  return isRecord(first) ? String(first.text) : ''
}

function refuse(): Promise<never> {
  return Promise.reject(new Error('nobody was to be asked'))
}
