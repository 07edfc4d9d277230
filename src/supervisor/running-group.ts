import type { DesiredGroup, Listen, ObservedGroup, ObservedProcess } from '../plan/model.ts'
import { afterLoss, type Crashes, noCrashes } from './backoff.ts'
import type { Child, ChildEvents } from './child.ts'
import type { Basis } from './proxies.ts'
import type { HeldSocket, Taken } from './sockets.ts'
import type { Prepared, Preparing, Surroundings } from './surroundings.ts'

/** Where a group is between two plans. Old processes that only finish their work stand beside it. */
export type Life =
  | { readonly state: 'none' }
  | { readonly state: 'running'; readonly child: Child }
  /** `child` serves as it did `before`, until `next` listens. */
  | { readonly state: 'replacing'; readonly child: Child; readonly next: Child; readonly before: Given }
  | { readonly state: 'draining'; readonly child: Child }
  | { readonly state: 'waiting'; readonly for: Wait; readonly reason: string; readonly retryAt: number }

export type Wait = 'backoff' | 'quarantine' | 'port'

/** What a proxy was given: its configuration and the address of its socket, if it got one. */
interface Given {
  readonly desired: DesiredGroup
  readonly listen: Listen | undefined
}

/** How long requests in flight may take when their proxy is stopped, and when another one takes its place. */
const STOP_GRACE_MS = 4_000
const REPLACE_GRACE_MS = 30_000
/** Between two tries to bind a port that somebody else has. */
const PROBE_MS = 2_000

/** One group as it runs: its proxy, those that are leaving, and what it remembers of those it lost. */
export class RunningGroup {
  readonly name: string
  readonly #around: Surroundings
  readonly #leaving = new Map<Child, Promise<void>>()
  #life: Life = { state: 'none' }
  #given: Given
  #crashes: Crashes = noCrashes
  #lastError: string | undefined
  #restarts = 0

  constructor(desired: DesiredGroup, around: Surroundings) {
    this.name = desired.name
    this.#given = { desired, listen: undefined }
    this.#around = around
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
    return new Set([...present, ...next, ...this.#leaving.keys()])
  }

  /** The addresses whose sockets the group needs. */
  get listens(): readonly Listen[] {
    const before = this.#life.state === 'replacing' ? this.#life.before.listen : undefined
    return [this.#given.listen, before].filter((listen) => listen !== undefined)
  }

  observe(): ObservedGroup {
    const { desired, listen } = this.#given
    const { hash, servers, generation } = desired
    return { name: this.name, process: observed(this.#life), listen, hash, servers, generation }
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
    const child = this.#spawn(socket, basis)
    this.#life = { state: 'running', child }
    await child.begin()
  }

  /** Starts a new proxy beside the present one and lets it take over once it listens; if it fails, all stays. */
  async restart(desired: DesiredGroup): Promise<void> {
    const socket = this.#around.sockets.hold(desired.listen)
    if ('taken' in socket || !('child' in this.#life)) return this.#refuse(desired, socket)
    const { child } = this.#life
    const before = this.#life.state === 'replacing' ? this.#life.before : this.#given
    if (this.#life.state === 'replacing') void this.#retire(this.#life.next, 0)
    this.#given = { desired, listen: desired.listen }
    if (this.#leaving.size > 0) {
      this.#life = { state: 'running', child }
      await this.#hasten()
      // A lost one was replaced meanwhile, or somebody asked for something else.
      if (this.#life.state !== 'running' || this.#life.child !== child || this.desired !== desired) return
    }
    const next = this.#spawn(socket)
    this.#life = { state: 'replacing', child, next, before }
    await next.begin()
    if (this.#life.state !== 'replacing' || this.#life.next !== next) return
    this.#life = { state: 'running', child: next }
    void this.#retire(child, REPLACE_GRACE_MS)
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

  /** The living proxy listens on another address first and takes over the configuration that came with it then. */
  async move(desired: DesiredGroup): Promise<void> {
    const socket = this.#around.sockets.hold(desired.listen)
    if ('taken' in socket) return this.#refuse(this.desired, socket)
    this.#given = { desired, listen: desired.listen }
    await this.#target()?.moveTo(socket)
    await this.#commit()
  }

  /** Lets the address go at once, and the proxy when its work is done. Resolves when nobody is left. */
  async stop(): Promise<void> {
    const { child } = { child: undefined, ...this.#life }
    this.#forget(child ? { state: 'draining', child } : { state: 'none' }, STOP_GRACE_MS)
    await Promise.all(this.#leaving.values())
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

  #spawn(socket: HeldSocket, basis?: Basis): Child {
    const events: ChildEvents = {
      status: (child) => this.#shown(child),
      exited: (child) => this.#exited(child),
      line: (line) => this.#around.line(this.name, line),
    }
    return this.#around.spawn(this.desired, { socket, events, basis })
  }

  /** Who a new configuration is for: the one that stays. */
  #target(): Child | undefined {
    if (this.#life.state === 'replacing') return this.#life.next
    return this.#life.state === 'running' ? this.#life.child : undefined
  }

  /** A proxy that does not do it is replaced by one that begins with it. */
  async #commit(): Promise<void> {
    const child = this.#target()
    const { desired } = this
    if (!child || (await this.#around.commit(child, desired))) return
    this.#around.log.warn('proxy replaced', { group: this.name, reason: 'it did not take over its configuration' })
    if (this.#target() === child) await this.restart(this.desired)
  }

  #forget(life: Life, graceMs: number): void {
    const children = this.children
    this.#life = life
    this.#given = { ...this.#given, listen: undefined }
    this.#crashes = noCrashes
    this.#lastError = undefined
    for (const child of children) void this.#retire(child, graceMs)
    this.#around.changed('shown')
  }

  /** No third generation beside two: whoever still finishes its work has had its time. */
  async #hasten(): Promise<void> {
    for (const child of this.#leaving.keys()) void child.force()
    await Promise.all(this.#leaving.values())
  }

  /** Resolves when nobody is left of the proxy, nor of its servers. Asked again, the first grace counts. */
  #retire(child: Child, graceMs: number): Promise<void> {
    const known = this.#leaving.get(child)
    if (known !== undefined) return known
    const left = this.#bury(child, graceMs).finally(() => this.#leaving.delete(child))
    this.#leaving.set(child, left)
    return left
  }

  async #bury(child: Child, graceMs: number): Promise<void> {
    await child.stop(graceMs)
    await this.#around.reap(new Set(child.status?.servers.flatMap(({ pid }) => pid ?? [])))
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
    void this.#retire(child, 0)
    this.#around.changed('due')
  }

  /** The replacement failed: the old proxy goes on with what it has, and what it lacks is a difference again. */
  #stay({ child, before }: Extract<Life, { state: 'replacing' }>, failed: Child): void {
    const { generation } = this.desired
    this.#life = { state: 'running', child }
    this.#given = { ...before, desired: { ...before.desired, generation } }
    this.#lastError = this.#reasonOf(failed)
  }

  #lose(child: Child): void {
    const now = this.#around.now()
    const readyFor = child.readySince === undefined ? 0 : now - child.readySince
    const { crashes, waitMs } = afterLoss(this.#crashes, { now, readyFor, random: this.#around.random() })
    this.#crashes = crashes
    // A socket that no proxy ever listened on may lose the race for its port: it is bound anew, which tells.
    if (!child.hasListened) this.#given = { ...this.#given, listen: undefined }
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

function observed(life: Life): ObservedProcess {
  switch (life.state) {
    case 'none':
      return { state: 'none' }
    case 'running':
    case 'replacing':
      return { state: 'running', pid: life.child.pid }
    case 'draining':
      return { state: 'draining', pid: life.child.pid }
    case 'waiting':
      return { state: 'exited', reason: life.reason, retryAt: life.retryAt }
    default:
      return life satisfies never
  }
}
