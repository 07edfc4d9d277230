import type { Group as GroupConfig } from '../config/profile.ts'
import { within } from '../shared/async.ts'
import { redactDrift } from '../shared/drift.ts'
import { messageOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { Env } from '../shared/paths.ts'
import { redact } from '../shared/secret.ts'
import { Group } from './group.ts'
import type { Coming } from './group-options.ts'
import { type Address, Listener, type Socket, WrongSocket } from './listener.ts'
import { type FromProxy, LISTEN_FD, type ToProxy } from './protocol.ts'
import { Generations } from './succession/generations.ts'

export interface ProxyProcessOptions {
  readonly start: Extract<ToProxy, { type: 'start' }>
  readonly version: string
  readonly env: Env
  /** A connection goes with the message as Node's own handle. */
  readonly send: (message: FromProxy, handle?: object) => void
  readonly exit: (code: number) => void
  /** The log of this process; `secrets` are those of the configuration in effect. */
  readonly makeLog: (secrets: () => readonly string[]) => Log
}

type PrepareMessage = Extract<ToProxy, { type: 'prepare' }>
type ListenMessage = Extract<ToProxy, { type: 'listen' }>

/** How long streams may take to change hands when nothing else is in flight. */
const HAND_OVER = 5_000
/** How long the old address goes on for who still uses it. */
const PORT_GRACE = 30_000
/** Connections beside those of the sessions: probes must get through, and one client opens several at a time. */
const SPARE_CONNECTIONS = 256

/** The process as the supervisor sees it: one group, listening where it is told to, until it is told to stop. */
export class ProxyProcess {
  readonly #options: ProxyProcessOptions
  readonly #log: Log
  readonly #group: Group
  readonly #generations: Generations
  #listener: Listener | undefined
  /** Listeners of addresses that were left, until nobody uses them any more. */
  readonly #left = new Set<Listener>()
  #secrets: readonly string[]
  /** Prepared, or being prepared; not in force. */
  #coming: (Coming & Pick<PrepareMessage, 'secrets'>) | undefined
  #mostConnections: number
  #isStopping = false
  #ended: Promise<void> | undefined

  constructor(options: ProxyProcessOptions) {
    const { start, version, env, send } = options
    this.#options = options
    this.#secrets = start.secrets
    this.#mostConnections = mostConnections(start.group)
    const secrets = () => (this.#coming ? [...this.#secrets, ...this.#coming.secrets] : this.#secrets)
    this.#log = options.makeLog(secrets)
    this.#generations = new Generations({
      say: (word, handle) => send({ type: 'stream', word }, handle),
      estate: () => this.#group.estate,
      freed: (socket) => (this.#listener ? this.#listener.continue(socket) : socket.destroy()),
      listeners: () => this.#listeners(),
    })
    this.#group = new Group({
      ...start,
      secrets,
      succession: this.#generations,
      env,
      log: this.#log,
      identity: { name: 'mcpctl', version, project: start.project, group: start.group.name },
      drifted: (drift) => send({ type: 'drift', drift: redactDrift(drift, this.#secrets) }),
      report: (report) => send({ type: 'status', ...report }),
    })
  }

  /** Listens on the inherited socket, when it is time to. Rejects when it is not the one that was announced. */
  async listen(): Promise<void> {
    const { listen, listenWhen, bindsItself } = this.#options.start
    if (listenWhen === 'ready') await this.#generations.succeed()
    if (this.#isStopping) return
    await this.#open(bindsItself ? { bind: listen } : { fd: LISTEN_FD }, listen)
  }

  /** The last line of a process that cannot go on. */
  crashed(error: unknown): void {
    this.#log.error('proxy crashed', {
      error: messageOf(error),
      stack: error instanceof Error ? error.stack : undefined,
    })
  }

  async receive(message: Exclude<ToProxy, { type: 'start' | 'survey' }>, handle: unknown): Promise<void> {
    switch (message.type) {
      case 'prepare':
        return this.#prepare(message)
      case 'commit':
        return this.#commit(message.generation)
      case 'abort':
        return this.#abort(message.generation)
      case 'listen':
        return this.#move(message, socketOf(handle) ?? { bind: message.listen })
      case 'drain':
        return this.drain(message.graceMs, message.handOver)
      case 'stream':
        return this.#generations.take(message.word, handle)
      default:
        message satisfies never
    }
  }

  async #prepare({ generation, group, secrets }: PrepareMessage): Promise<void> {
    const coming = { generation, secrets, group: { ...group, servers: this.#group.seats.whole(group.servers) } }
    this.#coming = coming
    const failed = await this.#group.seats.prepare(coming.group.servers)
    if (this.#coming !== coming) return
    const failures = failed.map(({ server, reason }) => ({ server, reason: redact(reason, secrets) }))
    this.#options.send({ type: 'prepared', generation, failures })
  }

  /** What was not prepared is not answered: whoever asked for it knows what to do with such a proxy. */
  #commit(generation: number): void {
    const coming = this.#coming
    if (coming?.generation !== generation) return
    this.#coming = undefined
    this.#secrets = coming.secrets
    this.#mostConnections = mostConnections(coming.group)
    for (const listener of this.#listeners()) listener.limit(this.#mostConnections)
    this.#group.commit(coming)
    this.#options.send({ type: 'configured', generation })
  }

  #abort(generation: number): void {
    if (this.#coming?.generation !== generation) return
    this.#coming = undefined
    this.#group.seats.abort()
  }

  /** A socket that cannot be listened on leaves the old address as it is: who uses it must not suffer. */
  async #move({ listen: told, yields }: ListenMessage, socket: Socket): Promise<void> {
    const old = this.#listener
    try {
      await this.#open(socket, told)
    } catch (error) {
      this.#log.error('new address not taken', { ...told, error: messageOf(error) })
      return
    }
    if (old) await this.#leave(old, yields)
  }

  /** Whoever comes to an address that is another group's from now on is not for this one: what is open may finish. */
  async #leave(old: Listener, yields: boolean): Promise<void> {
    this.#left.add(old)
    if (yields) await old.drain(PORT_GRACE).finally(() => old[Symbol.dispose]())
    else await old.retire(PORT_GRACE)
    this.#left.delete(old)
  }

  async #open(socket: Socket, told: Address): Promise<void> {
    this.#listener = await Listener.on(socket, {
      told,
      serve: (request, response) => this.#group.serve(request, response),
      mostConnections: this.#mostConnections,
    })
    this.#log.info('proxy listening', { ...told })
    this.#options.send({ type: 'listening', ...told })
  }

  /** Finishes what is in flight, for at most `graceMs`, then stops the servers and exits with 0. Asked again: at once. */
  async drain(graceMs: number, handOver = false): Promise<void> {
    if (this.#isStopping) return this.stop()
    this.#isStopping = true
    this.#log.info('proxy draining', { graceMs })
    this.#group.drain()
    const quiet = Promise.all(this.#listeners().map((listener) => listener.drain(graceMs)))
    if (handOver) await this.#handOver(quiet)
    else this.#group.endStreams()
    await quiet
    await this.stop()
  }

  /** Resolves when nobody needs this process for a stream; those opened until it is quiet are handed over, too. */
  async #handOver(quiet: Promise<unknown>): Promise<void> {
    const over = new AbortController()
    const handedOver = this.#generations.handOver(over.signal, () => this.#group.endStreams())
    await quiet
    await within(HAND_OVER, handedOver, undefined)
    over.abort()
  }

  /** Stops the servers at once, which answers what is still in flight, and exits with 0. */
  stop(): Promise<void> {
    this.#isStopping = true
    this.#ended ??= this.#end()
    return this.#ended
  }

  async #end(): Promise<void> {
    await this.#group[Symbol.asyncDispose]()
    for (const listener of this.#listeners()) listener[Symbol.dispose]()
    this.#options.exit(0)
  }

  #listeners(): readonly Listener[] {
    return this.#listener ? [this.#listener, ...this.#left] : []
  }
}

/** Whether the same may succeed in a moment: somebody has the port, or the system is short of something. */
export function isTemporary(error: unknown): boolean {
  return error instanceof WrongSocket || (error instanceof Error && 'code' in error && passing.has(String(error.code)))
}

const passing = new Set(['EADDRINUSE', 'EADDRNOTAVAIL', 'EAGAIN', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])

function socketOf(handle: unknown): Socket | undefined {
  return typeof handle === 'object' && handle !== null ? { handle } : undefined
}

/** Of each session a stream and a call at the same time. */
function mostConnections({ limits }: Pick<GroupConfig, 'limits'>): number {
  return 2 * limits.maxSessions + SPARE_CONNECTIONS
}
