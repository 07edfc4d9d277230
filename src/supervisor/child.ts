import { type ChildProcess, type SendHandle, spawn } from 'node:child_process'
import type { Listen } from '../plan/model.ts'
import type { FromProxy, ToProxy } from '../proxy/protocol.ts'
import { defer, pause, within } from '../shared/async.ts'
import { LIFE } from '../shared/marker.ts'
import { withinAwake } from './awake.ts'
import { type Fate, fateOfExit, fateOfSpawn } from './fate.ts'
import { Flood } from './flood.ts'
import { signalGroup } from './group-signal.ts'
import { splitLines } from './lines.ts'
import { plightOf } from './procfs.ts'
import { isFromProxy } from './proxy-message.ts'
import { type ProxyStatus, updated } from './proxy-status.ts'
import { pulseLost } from './pulse.ts'
import type { HeldSocket, SocketHandle } from './sockets.ts'

type StartMessage = Extract<ToProxy, { type: 'start' }>
export type ConfigureMessage = Extract<ToProxy, { type: 'configure' }>

export interface ChildOptions {
  /** The proxy's entry file. */
  readonly file: string
  readonly env: Readonly<Record<string, string>>
  /** Names this one process. */
  readonly life: string
  readonly socket: HeldSocket
  readonly start: StartMessage
  readonly events: ChildEvents
  /** A monotonic clock, in milliseconds. */
  readonly now: () => number
  /** Between two questions whether it is alive, in milliseconds. */
  readonly pulseMs: number
  /** Starts the process; another way to do so stands in for one in a model. */
  readonly launch?: (options: ChildOptions) => ChildProcess
}

/** Called with the child itself: a name may mean another process by now, an object never does. */
export interface ChildEvents {
  status(child: Child): void
  exited(child: Child): void
  /** Of its stdout or stderr. */
  line(line: string): void
}

export type ChildState =
  | { readonly state: 'starting' }
  | { readonly state: 'listening' }
  | { readonly state: 'draining' }
  | { readonly state: 'exited'; readonly reason: string; readonly fate: Fate }

/** How long a proxy may take to listen, or to answer a message. */
const ANSWER_MS = 10_000
/** After its drain a proxy still ends its servers, in stages of its own that take 3.5 s at most. */
const SERVERS_MS = 4_000
const TERM_MS = 500
const KILL_MS = 1_000
const LAST_WORDS_MS = 500

/** One life of a proxy process, in a process group of its own. It ends in stages and leaves nobody of its group. */
export class Child {
  readonly #options: ChildOptions
  readonly #process: ChildProcess
  /** Its end, and that of the pipes, which whoever inherited them may keep open. */
  readonly #closed = defer<void>()
  readonly #ended = defer<void>()
  readonly #forced = defer<void>()
  readonly #waiters = new Set<Waiter>()
  readonly #flood: Flood
  #state: ChildState = { state: 'starting' }
  #status: ProxyStatus | undefined
  #readySince: number | undefined
  #fault: string | undefined
  #stopping: Promise<void> | undefined
  #begun: Promise<void> | undefined
  #givenUp: Promise<boolean> | undefined
  #listen: Listen
  #hasListened = false
  #killed = false

  constructor(options: ChildOptions) {
    this.#options = options
    this.#listen = options.socket.listen
    this.#flood = new Flood(options.now)
    this.#process = (options.launch ?? launch)(options)
    this.#process.on('message', (message: unknown) => this.#take(message))
    this.#process.once('exit', (code, name) =>
      this.#exited(name ? `was killed by ${name}` : `exited with code ${code}`, fateOfExit(code)),
    )
    this.#process.once('close', this.#closed.resolve)
    // Also of a message or a signal that did not reach it; but only a process that could not be started has no exit.
    this.#process.on('error', (error) => {
      if (this.pid === 0) this.#end(`could not be started: ${error.message}`, fateOfSpawn(error))
    })
    for (const output of [this.#process.stdout, this.#process.stderr])
      output?.on('data', splitLines(options.events.line))
  }

  /** 0 when no process could be started. */
  get pid(): number {
    return this.#process.pid ?? 0
  }

  /** What it and everything behind it carry as `MCPCTL_PROXY`. */
  get life(): string {
    return this.#options.life
  }

  get state(): ChildState {
    return this.#state
  }

  /** As of the newest message about it. */
  get status(): ProxyStatus | undefined {
    return this.#status
  }

  /** When it first was ready or degraded. */
  get readySince(): number | undefined {
    return this.#readySince
  }

  /** What its end says about the next one. */
  get fate(): Fate {
    return this.#state.state === 'exited' ? this.#state.fate : 'crash'
  }

  get hasListened(): boolean {
    return this.#hasListened
  }

  /** Whether it had to be killed. */
  get killed(): boolean {
    return this.#killed
  }

  get ended(): Promise<void> {
    return this.#ended.promise
  }

  /** Sends the configuration and resolves once the proxy listens, or has ended because it did not. */
  begin(): Promise<void> {
    const { start } = this.#options
    this.#begun ??= this.#ask(start, listensOn(start.listen))
    return this.#begun
  }

  /** Resolves once the proxy has taken over the new configuration, or has ended because it did not. */
  async configure(message: ConfigureMessage): Promise<void> {
    await this.begin()
    await this.#ask(message, (answer) => answer.type === 'configured' && answer.generation >= message.generation)
  }

  /** The same process listens on another socket from now on. Resolves once it does, or has ended because it did not. */
  async moveTo({ listen, handle }: HeldSocket): Promise<void> {
    await this.begin()
    await this.#ask({ type: 'listen', listen }, listensOn(listen), handle)
    this.#listen = listen
  }

  /** Drains, then ends it in stages: its own way out, SIGTERM to its group, SIGKILL. The first call's grace counts. */
  stop(graceMs: number): Promise<void> {
    this.#stopping ??= this.#stop(graceMs)
    return this.#stopping
  }

  /** Ends it now, whatever stage it is in. */
  force(): Promise<void> {
    this.#forced.resolve()
    return this.stop(0)
  }

  async #stop(graceMs: number): Promise<void> {
    if (this.#state.state !== 'exited') this.#state = { state: 'draining' }
    this.#send({ type: 'drain', graceMs })
    await withinAwake(graceMs + SERVERS_MS, Promise.race([this.ended, this.#forced.promise]), undefined)
    await signalGroup(this.pid, 'SIGTERM', TERM_MS)
    this.#killed = await signalGroup(this.pid, 'SIGKILL', KILL_MS)
    await within(KILL_MS, this.ended, undefined)
    // Somebody may have inherited the pipes; the last words of the proxy itself have been read by then.
    await within(LAST_WORDS_MS, this.#closed.promise, undefined)
    this.#process.stdout?.destroy()
    this.#process.stderr?.destroy()
  }

  async #ask(message: ToProxy, fits: Waiter['fits'], handle?: SocketHandle): Promise<void> {
    const answer = defer<void>()
    const waiter = { fits, done: answer.resolve }
    this.#waiters.add(waiter)
    this.#send(message, handle)
    const answered = Promise.race([answer.promise, this.ended]).then(() => true)
    if (!(await withinAwake(ANSWER_MS, answered, false))) await this.#giveUp(`gave no answer to "${message.type}"`)
    this.#waiters.delete(waiter)
  }

  /** A proxy that does not do what it is told is not asked again: another one takes its place. */
  async #giveUp(fault: string): Promise<void> {
    if (this.#state.state === 'draining') return
    this.#fault ??= fault
    this.#givenUp ??= signalGroup(this.pid, 'SIGKILL', KILL_MS)
    await this.#givenUp
  }

  #send(message: ToProxy, handle?: SocketHandle): void {
    // A channel that is closed or breaks belongs to a process that is ending: its exit says all there is to say.
    if (!this.#process.connected) return
    // The types know servers and sockets only, but Node carries its own bare TCP handles too.
    this.#process.send(message, handle as unknown as SendHandle, {}, () => {})
  }

  #take(message: unknown): void {
    if (this.#flood.isOver()) void this.#giveUp('never stops talking')
    else if (isFromProxy(message)) this.#hear(message)
  }

  #hear(message: FromProxy): void {
    if (message.type === 'fatal') this.#fault ??= message.message
    if (message.type === 'status') this.#show(message)
    if (message.type === 'listening') this.#listens()
    const waiters = [...this.#waiters].filter(({ fits }) => fits(message))
    for (const waiter of waiters) waiter.done()
    if (message.type === 'listening' && waiters.length === 0)
      void this.#giveUp(`listens on ${message.host}:${message.port}, which is not its address`)
  }

  #listens(): void {
    if (!this.#hasListened) void this.#watchPulse()
    this.#hasListened = true
    if (this.#state.state === 'starting') this.#state = { state: 'listening' }
  }

  async #watchPulse(): Promise<void> {
    const over = new AbortController()
    void this.ended.then(() => over.abort())
    const outcome = await pulseLost({ listen: () => this.#listen, everyMs: this.#options.pulseMs, signal: over.signal })
    if (outcome === 'lost') await this.#giveUp(`gave no sign of life${plightOf(this.pid)}`)
  }

  #show(news: Extract<FromProxy, { type: 'status' }>): void {
    const status = updated(this.#status, news)
    this.#status = status
    if (status.state === 'ready' || status.state === 'degraded') this.#readySince ??= this.#options.now()
    this.#options.events.status(this)
  }

  /** What it said before it exited may still be on the channel, and tells more than a code. */
  #exited(how: string, fate: Fate): void {
    const end = () => this.#end(how, fate)
    if (this.#process.connected) this.#process.once('disconnect', end)
    void pause(this.#process.connected ? LAST_WORDS_MS : 0).then(end)
  }

  #end(how: string, fate: Fate): void {
    if (this.#state.state === 'exited') return
    this.#state = { state: 'exited', reason: `proxy ${this.#fault ?? how}`, fate }
    this.#ended.resolve()
    this.#options.events.exited(this)
  }
}

interface Waiter {
  readonly fits: (answer: FromProxy) => boolean
  readonly done: () => void
}

function listensOn({ port }: Listen): Waiter['fits'] {
  return (answer) => answer.type === 'listening' && answer.port === port
}

/** stdin stays closed, output is piped, the group's socket is the proxy's `LISTEN_FD`. */
function launch({ file, env, life, socket }: ChildOptions): ChildProcess {
  return spawn(process.execPath, [file], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc', socket.fd ?? 'ignore'],
    serialization: 'advanced',
    env: { ...env, [LIFE]: life },
    // A process group of its own: Ctrl-C in the terminal must drain it, not end it; it is ended in stages, by `stop`.
    detached: true,
  })
}
