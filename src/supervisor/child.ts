import type { ChildProcess, SendHandle } from 'node:child_process'
import type { Listen } from '../plan/model.ts'
import type { FromProxy, ServerFailure, ToProxy, Word } from '../proxy/protocol.ts'
import { defer, pause, within } from '../shared/async.ts'
import type { Drift } from '../shared/drift.ts'
import { withinAwake } from './awake.ts'
import { type Fate, fateOfExit, fateOfSpawn } from './fate.ts'
import { Flood } from './flood.ts'
import { signalGroup } from './group-signal.ts'
import { type Launch, launch } from './launch.ts'
import { splitLines } from './lines.ts'
import { plightOf } from './procfs.ts'
import { isFromProxy } from './proxy-message.ts'
import { type ProxyStatus, updated } from './proxy-status.ts'
import { pulseLost } from './pulse.ts'
import { type Asking, Questions } from './questions.ts'
import type { HeldSocket, SocketHandle } from './sockets.ts'

type StartMessage = Extract<ToProxy, { type: 'start' }>
export type PrepareMessage = Extract<ToProxy, { type: 'prepare' }>

export interface ChildOptions extends Launch {
  readonly start: StartMessage
  readonly events: ChildEvents
  /** A monotonic clock, in milliseconds. */
  readonly now: () => number
  /** Between two questions whether it is alive, in milliseconds. */
  readonly pulseMs: number
  readonly launch?: (options: ChildOptions) => ChildProcess
}

/** Called with the child itself: a name may mean another process by now, an object never does. */
export interface ChildEvents {
  status(child: Child): void
  exited(child: Child): void
  drifted(drift: Drift): void
  /** Of its stdout or stderr. */
  line(line: string): void
  /** It says something to another generation, maybe with a connection. */
  word(child: Child, word: Word, handle: SocketHandle | undefined): void
}

export type ChildState =
  | { readonly state: 'starting' }
  | { readonly state: 'listening' }
  | { readonly state: 'draining' }
  | { readonly state: 'exited'; readonly reason: string; readonly fate: Fate }

/** How long a proxy may take to listen, or to answer a message. */
const ANSWER_MS = 10_000
/** Longer than a proxy waits for its servers. */
const PREPARE_MS = 35_000
const COMMIT_MS = 5_000
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
  readonly #questions = new Questions({
    send: (message, handle, sent) => this.#send(message, handle, sent),
    ended: this.#ended.promise,
  })
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
    this.#process.on('message', (message: unknown, handle: unknown) => this.#take(message, handle))
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
    this.#begun ??= this.#ask(start, { fits: listensOn(start.listen), ms: ANSWER_MS + settlingMs(start) })
    return this.#begun
  }

  /** Resolves with what did not come up of a coming configuration; undefined without an answer, or once it is aborted. */
  async prepare(message: PrepareMessage, signal: AbortSignal): Promise<readonly ServerFailure[] | undefined> {
    const { generation } = message
    await this.begin()
    if (signal.aborted) return undefined
    signal.addEventListener('abort', () => this.#send({ type: 'abort', generation }), { once: true })
    const fits = (answer: FromProxy) => answer.type === 'prepared' && answer.generation === generation
    const answer = await this.#questions.ask(message, { fits, ms: PREPARE_MS, signal })
    return answer?.type === 'prepared' ? answer.failures : undefined
  }

  /** What was prepared, or comes along, is put in force. Resolves with whether the proxy, or its end, says so. */
  async commit(generation: number, unprepared?: PrepareMessage): Promise<boolean> {
    await this.begin()
    if (unprepared) this.#send(unprepared)
    const fits = (answer: FromProxy) => answer.type === 'configured' && answer.generation === generation
    const answer = await this.#questions.ask({ type: 'commit', generation }, { fits, ms: COMMIT_MS })
    return answer !== undefined || this.#state.state === 'exited' || this.#state.state === 'draining'
  }

  /** The same process listens on another socket from now on. Resolves once it does, or has ended because it did not. */
  async moveTo({ listen, handle }: HeldSocket, yields: boolean): Promise<void> {
    await this.begin()
    await this.#ask({ type: 'listen', listen, yields }, { fits: listensOn(listen), handle })
    this.#listen = listen
  }

  /** Says something to it for another generation. Resolves once that has arrived, or the process has ended. */
  pass(word: Word, handle?: SocketHandle): Promise<void> {
    return this.#questions.tell({ type: 'stream', word }, handle)
  }

  /** Drains, then ends it in stages: its own way out, SIGTERM to its group, SIGKILL. The first call's grace counts. */
  stop(graceMs: number, handOver = false): Promise<void> {
    this.#stopping ??= this.#stop(graceMs, handOver)
    return this.#stopping
  }

  /** It has drained long enough: what is still in flight is answered with why it ends. */
  hasten(): void {
    this.#send({ type: 'drain', graceMs: 0, handOver: false })
  }

  /** Ends it now, whatever stage it is in. */
  force(): Promise<void> {
    this.#forced.resolve()
    return this.stop(0)
  }

  async #stop(graceMs: number, handOver: boolean): Promise<void> {
    if (this.#state.state !== 'exited') this.#state = { state: 'draining' }
    this.#send({ type: 'drain', graceMs, handOver })
    await withinAwake(graceMs + SERVERS_MS, Promise.race([this.ended, this.#forced.promise]), undefined)
    await signalGroup(this.pid, 'SIGTERM', TERM_MS)
    this.#killed = await signalGroup(this.pid, 'SIGKILL', KILL_MS)
    await within(KILL_MS, this.ended, undefined)
    // Somebody may have inherited the pipes; the last words of the proxy itself have been read by then.
    await within(LAST_WORDS_MS, this.#closed.promise, undefined)
    this.#process.stdout?.destroy()
    this.#process.stderr?.destroy()
  }

  async #ask(message: ToProxy, asking: Asking): Promise<void> {
    const answer = await this.#questions.ask(message, asking)
    if (!answer && this.#state.state !== 'exited') await this.#giveUp(`gave no answer to "${message.type}"`)
  }

  /** A proxy that does not do what it is told is not asked again: another one takes its place. */
  async #giveUp(fault: string): Promise<void> {
    if (this.#state.state === 'draining') return
    this.#fault ??= fault
    this.#givenUp ??= signalGroup(this.pid, 'SIGKILL', KILL_MS)
    await this.#givenUp
  }

  #send(message: ToProxy, handle?: SocketHandle, sent: () => void = () => {}): void {
    // A channel that is closed or breaks belongs to a process that is ending: its exit says all there is to say.
    if (!this.#process.connected) sent()
    // The types know servers and sockets only, but Node carries its own bare TCP handles too.
    else this.#process.send(message, handle as unknown as SendHandle, {}, sent)
  }

  #take(message: unknown, handle: unknown): void {
    if (this.#flood.isOver()) void this.#giveUp('never stops talking')
    else if (isFromProxy(message)) this.#hear(message, handle)
  }

  #hear(message: FromProxy, handle: unknown): void {
    // Nothing of it is for the supervisor.
    if (message.type === 'stream') this.#options.events.word(this, message.word, handleOf(handle))
    if (message.type === 'fatal') this.#fault ??= message.message
    if (message.type === 'status') this.#show(message)
    if (message.type === 'listening') this.#listens()
    if (message.type === 'drift') this.#options.events.drifted(message.drift)
    const isAnswer = this.#questions.hear(message)
    if (message.type === 'listening' && !isAnswer)
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

function listensOn({ port }: Listen): Asking['fits'] {
  return (answer) => answer.type === 'listening' && answer.port === port
}

/** How long a proxy that waits for its servers may take before it listens: as long as the slowest may to connect. */
function settlingMs({ listenWhen, group }: StartMessage): number {
  if (listenWhen === 'now') return 0
  return Math.max(0, ...group.servers.map(({ timeouts }) => timeouts.connect))
}

/** Only the proxies' own channel brings handles, and of one kind. */
function handleOf(handle: unknown): SocketHandle | undefined {
  return typeof handle === 'object' && handle !== null ? (handle as SocketHandle) : undefined
}
