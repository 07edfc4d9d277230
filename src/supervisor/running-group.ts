import type { DesiredGroup, Listen, ObservedGroup } from '../plan/model.ts'
import { afterLoss, type Crashes, noCrashes } from './backoff.ts'
import type { Child, ChildEvents } from './child.ts'
import { Leaving } from './leaving.ts'
import { type Given, type Life, observed, type Wait } from './life.ts'
import { watchMemory } from './memory.ts'
import type { Basis } from './proxies.ts'
import type { HeldSocket, Taken } from './sockets.ts'
import { StandIn } from './stand-in.ts'
import { Succession } from './succession.ts'
import type { Prepared, Preparing, Spawning, Surroundings } from './surroundings.ts'

/** How long requests in flight may take when their proxy is stopped, and when another one takes its place. */
const STOP_GRACE_MS = 4_000
const REPLACE_GRACE_MS = 30_000
/** Between two tries to bind a port that somebody else has. */
const PROBE_MS = 2_000
/** When whoever comes to a group that waits for its repair is asked to come again. */
const APOLOGY_MS = 60_000

/** One group as it runs: its proxy, those that are leaving, and what it remembers of those it lost. */
export class RunningGroup {
  readonly name: string
  readonly #around: Surroundings
  readonly #standIn: StandIn
  readonly #leaving: Leaving
  readonly #succession = new Succession()
  #life: Life = { state: 'none' }
  #given: Given
  #crashes: Crashes = noCrashes
  #lastError: string | undefined
  #restarts = 0
  /** What the present proxy has too much of. */
  #excess: string | undefined
  #program: string | undefined

  constructor(desired: DesiredGroup, around: Surroundings) {
    this.name = desired.name
    this.#given = { desired, listen: undefined }
    this.#around = around
    this.#leaving = new Leaving(around.reap)
    this.#standIn = new StandIn(around)
  }

  get life(): Life {
    return this.#life
  }

  get desired(): DesiredGroup {
    return this.#given.desired
  }

  /** How often a lost proxy was replaced; what was asked for does not count. */
  get restarts(): number {
    return this.#restarts
  }

  /** Of the present trouble; undefined once a proxy is ready again. */
  get lastError(): string | undefined {
    return this.#lastError
  }

  /** Every process of the group that has not ended, or is not known to have left nobody behind. */
  get children(): ReadonlySet<Child> {
    const present = 'child' in this.#life ? [this.#life.child] : []
    const next = this.#life.state === 'replacing' ? [this.#life.next] : []
    return new Set([...present, ...next, ...this.#leaving])
  }

  /** The addresses whose sockets the group needs. */
  get listens(): readonly Listen[] {
    const before = this.#life.state === 'replacing' ? this.#life.before.listen : undefined
    return [this.#given.listen, before].filter((listen) => listen !== undefined)
  }

  observe(): ObservedGroup {
    const { desired, listen } = this.#given
    const { hash, servers, generation } = desired
    const process = observed(this.#life, { excess: this.#excess, repairAt: () => this.#repairAt() })
    return { name: this.name, process, listen, hash, servers, generation }
  }

  /** Another program is tried at once; the same one is not, and looked at again in a while. */
  #repairAt(): number {
    const { now, program, timing } = this.#around
    return now() + (program() === this.#program ? timing.repair : 0)
  }

  /** Binds the socket unless it is held, and starts a proxy on it. Resolves once that listens or has failed. */
  async start(desired: DesiredGroup, basis?: Basis): Promise<void> {
    if (desired.hash !== this.desired.hash || desired.generation !== this.desired.generation) this.#crashes = noCrashes
    const socket = this.#around.sockets.hold(desired.listen)
    if ('taken' in socket) {
      this.#given = { desired, listen: undefined }
      return this.#wait('port', socket.taken(), PROBE_MS)
    }
    if (this.#life.state === 'waiting' && this.#life.for !== 'port') this.#restarts++
    this.#given = { desired, listen: desired.listen }
    await this.#take(this.#spawn(socket, 'now', basis))
  }

  async #take(child: Child): Promise<void> {
    this.#life = { state: 'running', child }
    await child.begin()
    if (child.hasListened) this.#standIn.leave()
  }

  /**
   * Starts a new proxy beside the present one. Once its servers have settled it listens and takes over, the streams
   * included; if it fails, all stays.
   */
  async restart(desired: DesiredGroup): Promise<void> {
    const socket = this.#around.sockets.hold(desired.listen)
    if ('taken' in socket || !('child' in this.#life)) return this.#refuse(desired, socket)
    const { child } = this.#life
    const before = this.#life.state === 'replacing' ? this.#life.before : this.#given
    if (this.#life.state === 'replacing') void this.#leaving.retire(this.#life.next, 0)
    this.#excess = undefined
    this.#given = { desired, listen: desired.listen }
    // A socket that nobody holds has room for one: the old proxy lets go of it before the new one can have it.
    if (socket.handle === undefined) {
      void this.#leaving.retire(child, REPLACE_GRACE_MS)
      return this.#take(this.#spawn(socket, 'now'))
    }
    const next = this.#spawn(socket, 'ready')
    this.#succession.begin(child, next)
    this.#life = { state: 'replacing', child, next, before }
    await next.begin()
    if (this.#life.state !== 'replacing' || this.#life.next !== next) return
    this.#life = { state: 'running', child: next }
    this.#leaving.hasten()
    void this.#leaving.retire(child, REPLACE_GRACE_MS, true)
    this.#around.changed('shown')
  }

  /** The living proxy, if one serves, connects what a coming configuration needs beside that. */
  async prepare(desired: DesiredGroup, preparing: Preparing): Promise<Prepared> {
    const child = this.#target()
    return child?.hasListened ? this.#around.prepare(child, desired, preparing) : []
  }

  /** The living proxy takes over another configuration, prepared or not. */
  async reload(desired: DesiredGroup): Promise<void> {
    this.#given = { ...this.#given, desired }
    await this.#commit()
  }

  /** The living proxy listens on another address first, then reloads. The old one it leaves at once if it `yields`. */
  async move(desired: DesiredGroup, yields: boolean): Promise<void> {
    const socket = this.#around.sockets.hold(desired.listen)
    if ('taken' in socket) return this.#refuse(this.desired, socket)
    this.#given = { desired, listen: desired.listen }
    await this.#target()?.moveTo(socket, yields)
    await this.#commit()
  }

  /** Lets the address go at once, and the proxy when its work is done. Resolves when nobody is left. */
  async stop(): Promise<void> {
    const { child } = { child: undefined, ...this.#life }
    this.#forget(child ? { state: 'draining', child } : { state: 'none' }, STOP_GRACE_MS)
    await this.#leaving.ended()
  }

  /** As `stop`, for a group nobody asks about any more: what is in flight may take its time. */
  async leave(): Promise<void> {
    this.#forget({ state: 'none' }, REPLACE_GRACE_MS)
  }

  /** A new configuration ends the wait for a port: whoever applied it wants to know now. */
  probe(): void {
    if (this.#life.state === 'waiting' && this.#life.for === 'port')
      this.#life = { ...this.#life, retryAt: this.#around.now() }
  }

  #spawn(socket: HeldSocket, listenWhen: Spawning['listenWhen'], basis?: Basis): Child {
    this.#program = this.#around.program()
    const events: ChildEvents = {
      status: (child) => this.#shown(child),
      exited: (child) => this.#exited(child),
      drifted: (drift) => this.#around.drifted(this.name, drift),
      line: (line) => this.#around.line(this.name, line),
      word: (child, word, handle) => this.#succession.pass(child, word, handle),
    }
    const child = this.#around.spawn(this.desired, socket, { listenWhen, events, basis })
    void watchMemory({
      child,
      limit: () => this.desired.group.limits.memory,
      timing: this.#around.timing.memory,
      outgrown: (reason) => this.#outgrown(child, reason),
    })
    return child
  }

  #outgrown(child: Child, reason: string): void {
    if (child !== this.#target()) return
    this.#excess = reason
    this.#around.changed('due')
  }

  /** Who a new configuration is for: the one that stays. */
  #target(): Child | undefined {
    if (this.#life.state === 'replacing') return this.#life.next
    return this.#life.state === 'running' ? this.#life.child : undefined
  }

  /** A proxy that does not do it is replaced by one that begins with it. */
  async #commit(): Promise<void> {
    const child = this.#target()
    if (!child || (await this.#around.commit(child, this.desired))) return
    this.#around.log.warn('proxy replaced', { group: this.name, reason: 'it did not take over its configuration' })
    if (this.#target() === child) await this.restart(this.desired)
  }

  #forget(life: Life, graceMs: number): void {
    const children = this.children
    this.#life = life
    this.#given = { ...this.#given, listen: undefined }
    this.#crashes = noCrashes
    this.#lastError = undefined
    this.#standIn.leave()
    for (const child of children) void this.#leaving.retire(child, graceMs)
    this.#around.changed('shown')
  }

  /** A restart whose address is taken is not done, and not tried again before it is asked for again. */
  #refuse({ generation }: DesiredGroup, socket: HeldSocket | Taken): void {
    this.#given = { ...this.#given, desired: { ...this.desired, generation } }
    if ('taken' in socket) this.#lastError = socket.taken()
    this.#around.changed('shown')
  }

  #shown(child: Child): void {
    if (child !== this.#target()) return
    if (child.readySince !== undefined) this.#lastError = undefined
    this.#around.changed('shown')
  }

  #exited(child: Child): void {
    const life = this.#life
    if (life.state === 'replacing' && life.next === child) this.#stay(life, child)
    else if (life.state === 'replacing' && life.child === child) this.#life = { state: 'running', child: life.next }
    else if (life.state === 'draining' && life.child === child) this.#life = { state: 'none' }
    else if (life.state === 'running' && life.child === child) this.#lose(child)
    this.#succession.ended(child)
    void this.#leaving.retire(child, 0)
    this.#around.changed('due')
  }

  /** The replacement failed: the old proxy goes on with what it has, and what it lacks is a difference again. */
  #stay({ child, before }: Extract<Life, { state: 'replacing' }>, failed: Child): void {
    const { generation } = this.desired
    this.#life = { state: 'running', child }
    this.#given = { ...before, desired: { ...before.desired, generation } }
    this.#lastError = this.#reasonOf(failed)
    this.#around.log.warn('replacement failed', { group: this.name, reason: this.#lastError })
  }

  #lose(child: Child): void {
    this.#excess = undefined
    const defect = this.#defectOf(child)
    if (defect === undefined) this.#backOff(child)
    else {
      this.#standIn.apologise(this.#given.listen, APOLOGY_MS)
      this.#wait('repair', defect, Infinity)
    }
  }

  /** What no further start would mend. */
  #defectOf(child: Child): string | undefined {
    if (this.#around.program() === undefined) return 'the program of the proxy is gone'
    return child.fate === 'hopeless' ? this.#reasonOf(child) : undefined
  }

  #backOff(child: Child): void {
    const { now, random, timing } = this.#around
    const readyFor = child.readySince === undefined ? 0 : now() - child.readySince
    const isTemporary = child.fate === 'temporary'
    const loss = { now: now(), readyFor, isTemporary, random: random(), timing: timing.restart }
    const { crashes, waitMs } = afterLoss(this.#crashes, loss)
    this.#crashes = crashes
    if (crashes.quarantined) this.#standIn.apologise(this.#given.listen, waitMs)
    // A socket that no proxy ever listened on may lose the race for its port: it is bound anew, which tells.
    else if (!child.hasListened) this.#given = { ...this.#given, listen: undefined }
    this.#wait(crashes.quarantined ? 'quarantine' : 'backoff', this.#reasonOf(child), waitMs)
  }

  #wait(what: Wait, reason: string, ms: number): void {
    // A port is probed every other second: that it is still taken is no news.
    if (what !== 'port' || reason !== this.#lastError)
      this.#around.log.warn('group waits', { group: this.name, for: what, reason, ms })
    this.#lastError = reason
    this.#life = { state: 'waiting', for: what, reason, retryAt: this.#around.now() + ms }
    this.#around.changed('due')
  }

  #reasonOf({ state }: Child): string {
    return state.state === 'exited' ? this.#around.clean(state.reason) : ''
  }
}
