import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import manifest from '../../package.json' with { type: 'json' }
import type { Group } from '../../src/config/profile.ts'
import type { FromProxy, GroupUpdate, ToProxy } from '../../src/proxy/protocol.ts'
import { entryFile } from '../../src/shared/paths.ts'
import { type ProxyStatus, updated } from '../../src/supervisor/proxy-status.ts'
import { freePort } from './ports.ts'
import { isAlive } from './processes.ts'
import { waitFor } from './wait.ts'

/** A bound socket as the supervisor holds it: it outlives the proxies that listen on it. */
export interface HeldSocket extends Disposable {
  readonly host: string
  readonly port: number
  readonly handle: { readonly fd: number; close(): void }
}

export async function holdSocket(): Promise<HeldSocket> {
  const host = '127.0.0.1'
  const port = await freePort()
  // Node's own way to bind without listening, which has no public name.
  const create = Reflect.get(net, '_createServerHandle') as (...where: unknown[]) => HeldSocket['handle']
  const handle = create(host, port, 4)
  return { host, port, handle, [Symbol.dispose]: () => handle.close() }
}

export interface RunningProxy extends AsyncDisposable {
  readonly pid: number
  readonly url: string
  readonly messages: readonly FromProxy[]
  /** Every line it logged. */
  readonly log: readonly string[]
  /** Its status, as far as it has told. */
  status(): ProxyStatus | undefined
  send(message: ToProxy, handle?: unknown): void
  kill(signal: NodeJS.Signals): void
  /** Closes the IPC channel, as a supervisor that was killed does. */
  disconnect(): void
  /** Resolves with the exit code; null when a signal ended it. */
  readonly exited: Promise<number | null>
}

export interface ProxyOptions {
  readonly group: Group
  readonly socket: HeldSocket
  readonly sessionKey?: string
  readonly start?: Partial<Extract<ToProxy, { type: 'start' }>>
}

/** Starts the built proxy the way the supervisor does and resolves once it listens. */
export async function startProxy({ group, socket, sessionKey = newKey(), start }: ProxyOptions): Promise<RunningProxy> {
  const child = spawn(process.execPath, [entryFile('proxy')], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc', socket.handle.fd],
    serialization: 'advanced',
  })
  const proxy = wrap(child, `http://${socket.host}:${socket.port}`)
  proxy.send({
    type: 'start',
    version: manifest.version,
    generation: 1,
    group,
    listen: { host: socket.host, port: socket.port },
    listenWhen: 'now',
    project: 'test',
    profile: 'test',
    owner: '/nowhere/mcpctl-test',
    sessionKey,
    secrets: [],
    logLevel: 'debug',
    ...start,
  })
  await waitFor(() => proxy.messages.some(({ type }) => type === 'listening' || type === 'fatal'))
  return proxy
}

/** The same, once the group is ready. */
export async function startReadyProxy(options: ProxyOptions): Promise<RunningProxy> {
  const proxy = await startProxy(options)
  await waitFor(() => proxy.status()?.state === 'ready')
  return proxy
}

/** Gives the proxy another configuration the way the supervisor does; resolves once it is in force. */
export async function configure(proxy: RunningProxy, group: GroupUpdate, generation = 2): Promise<ServerFailures> {
  proxy.send({ type: 'prepare', generation, group, secrets: [] })
  const prepared = await waitFor(() =>
    proxy.messages.find((told) => told.type === 'prepared' && told.generation === generation),
  )
  proxy.send({ type: 'commit', generation })
  await waitFor(() => proxy.messages.some((told) => told.type === 'configured' && told.generation === generation))
  return prepared.type === 'prepared' ? prepared.failures : []
}

type ServerFailures = Extract<FromProxy, { type: 'prepared' }>['failures']

export function newKey(): string {
  return randomBytes(32).toString('base64url')
}

function wrap(child: ChildProcess, url: string): RunningProxy {
  const messages: FromProxy[] = []
  const log: string[] = []
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  let status: ProxyStatus | undefined
  child.on('message', (message: FromProxy) => {
    messages.push(message)
    if (message.type === 'status') status = updated(status, message)
  })
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => log.push(...chunk.trimEnd().split('\n')))
  return {
    pid: child.pid ?? -1,
    url,
    messages,
    log,
    exited,
    status: () => status,
    send: (message, handle) => void child.send(message, handle as never, {}, () => {}),
    kill: (signal) => void child.kill(signal),
    disconnect: () => child.disconnect(),
    async [Symbol.asyncDispose]() {
      if (child.connected && isAlive(child.pid ?? -1))
        child.send({ type: 'drain', graceMs: 0, handOver: false } satisfies ToProxy, undefined, {}, () => {})
      const hard = setTimeout(() => child.kill('SIGKILL'), 6000)
      await exited
      clearTimeout(hard)
    },
  }
}
