import type { Log } from '../shared/log.ts'
import type { Env } from '../shared/paths.ts'
import { Group } from './group.ts'
import { type Address, Listener, type Socket } from './listener.ts'
import { type FromProxy, LISTEN_FD, type ToProxy } from './protocol.ts'

export interface ProxyProcessOptions {
  readonly start: Extract<ToProxy, { type: 'start' }>
  readonly version: string
  readonly env: Env
  readonly send: (message: FromProxy) => void
  readonly exit: (code: number) => void
  /** The log of this process; `secrets` are those of the configuration in effect. */
  readonly makeLog: (secrets: () => readonly string[]) => Log
}

/** How long the old address goes on for who still uses it. */
const PORT_GRACE = 30_000

/** The process as the supervisor sees it: one group, listening where it is told to, until it is told to stop. */
export class ProxyProcess {
  readonly #options: ProxyProcessOptions
  readonly #log: Log
  readonly #group: Group
  #listener: Listener | undefined
  #secrets: readonly string[]
  #isStopping = false

  constructor(options: ProxyProcessOptions) {
    const { start, version, env, send } = options
    this.#options = options
    this.#secrets = start.secrets
    this.#log = options.makeLog(() => this.#secrets)
    this.#group = new Group({
      ...start,
      env,
      log: this.#log,
      identity: { name: 'mcpctl', version, project: start.project, group: start.group.name },
      report: (report) => send({ type: 'status', ...report }),
    })
  }

  /** Listens on the inherited socket. Rejects when it is not the one that was announced. */
  async listen(): Promise<void> {
    await this.#open({ fd: LISTEN_FD }, this.#options.start.listen)
  }

  async receive(message: Exclude<ToProxy, { type: 'start' }>, handle: unknown): Promise<void> {
    switch (message.type) {
      case 'configure':
        return this.#configure(message)
      case 'listen':
        return this.#move(message.listen, handle)
      case 'drain':
        return this.drain(message.graceMs)
      default:
        message satisfies never
    }
  }

  async #configure(message: Extract<ToProxy, { type: 'configure' }>): Promise<void> {
    this.#secrets = message.secrets
    await this.#group.configure(message)
    this.#options.send({ type: 'configured', generation: message.generation })
  }

  async #move(told: Address, handle: unknown): Promise<void> {
    if (typeof handle !== 'object' || handle === null) throw new Error('a socket to listen on did not come along')
    const old = this.#listener
    await this.#open({ handle }, told)
    await old?.drain(PORT_GRACE)
  }

  async #open(socket: Socket, told: Address): Promise<void> {
    this.#listener = await Listener.on(socket, {
      told,
      serve: (request, response) => this.#group.serve(request, response),
      mostConnections: 2 * this.#options.start.group.limits.maxSessions,
    })
    this.#log.info('proxy listening', { ...told })
    this.#options.send({ type: 'listening', ...told })
  }

  /** Finishes what is in flight, for at most `graceMs`, then stops the servers and exits with 0. */
  async drain(graceMs: number): Promise<void> {
    if (this.#isStopping) return
    this.#isStopping = true
    this.#log.info('proxy draining', { graceMs })
    this.#group.drain()
    await this.#listener?.drain(graceMs)
    await this.#end()
  }

  /** Stops the servers at once and exits. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#end()
  }

  async #end(): Promise<void> {
    await this.#group[Symbol.asyncDispose]()
    this.#options.exit(0)
  }
}
