import type { Resolution } from '../config/resolve.ts'
import type { LogQuery } from '../control/client.ts'
import type { Answers, Applied, Bodies, ControlEvent, LogRecord, Status, Wish } from '../control/protocol.ts'
import { desiredGroups, type Wishes } from '../plan/desired.ts'
import { printPlan } from '../plan/format.ts'
import type { Hashes } from '../plan/hashes.ts'
import type { DesiredGroup, Plan } from '../plan/model.ts'
import { noWishes, restart, start, stop, up } from '../plan/wishes.ts'
import { defer } from '../shared/async.ts'
import { type Diagnostic, place } from '../shared/diagnostic.ts'
import { asError, McpctlError, messageOf } from '../shared/errors.ts'
import { Announcer } from './announcer.ts'
import { Lane } from './lane.ts'
import type { Logs } from './logs.ts'
import type { Ports } from './ports.ts'
import { type InForce, type ProxiesOptions, proxies } from './proxies.ts'
import { type Claimed, type Desire, Reconciler } from './reconciler.ts'
import type { Sockets } from './sockets.ts'
import { type OpenWatch, SourceWatch } from './source-watch.ts'
import { statusOf } from './status.ts'
import { sweep } from './sweep.ts'

export interface SupervisorOptions extends Omit<ProxiesOptions, 'inForce'> {
  /** The project's name until a profile says it. */
  readonly name: string
  readonly logs: Logs
  readonly sockets: Sockets
  readonly warnings: readonly string[]
  readonly ports: Ports
  /** What is equal to a part of what is in force is that very part. */
  readonly prepare: (wish: Wish, inForce: Resolution | undefined) => Promise<Resolution>
  readonly watch: OpenWatch
  readonly hashes: Hashes
  /** Uniform in [0, 1). */
  readonly random: () => number
}

/** What had run when everything ended, and what had to be killed for it. */
export type Outcome = Answers['down']

/** What an apply, a reload or a wish asks to be in force. */
interface Proposal {
  readonly wish: Wish
  readonly resolution: Resolution
  readonly wishes: Wishes
}

interface Committed {
  readonly applied: Applied
  readonly done: Promise<void>
}

/** A supervisor that nobody asked for anything ends itself. */
const IDLE_MS = 60_000
const SWEEP_MS = 2_000
/** What ending may take altogether, so that it fits into the ten seconds that others usually grant. */
const BUDGET_MS = 9_000

/** Knows what is to run and why: takes in wishes and files, one after the other, and hands the loop what it desires. */
export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #startedAt = new Date().toISOString()
  readonly #reconciler: Reconciler
  readonly #lane = new Lane()
  readonly #announcer = new Announcer(() => this.status())
  readonly #watch: SourceWatch
  readonly #ended = defer<Outcome>()
  readonly #idle: NodeJS.Timeout
  #inForce: InForce | undefined
  #wishes: Wishes = noWishes
  #problems: readonly Diagnostic[] = []
  #isReloadWaiting = false
  #isEnding = false

  constructor(options: SupervisorOptions) {
    this.#options = options
    const { owner, logs, sockets, timing, now, random } = options
    this.#reconciler = new Reconciler({
      ...proxies({ ...options, inForce: () => this.#known() }),
      sockets,
      timing,
      now,
      random,
      log: logs.log,
      drifted: (group, drift) => this.#announcer.drifted({ group, ...drift }),
      line: (group, line) => logs.line(group, line),
      clean: (text) => logs.clean(text),
      reap: async ({ life }) => void (await sweep({ owner, life, graceMs: SWEEP_MS })),
      changed: () => this.#announcer.changed(),
    })
    this.#watch = new SourceWatch(options.watch, {
      onChange: () => this.reloadSoon(),
      onError: (error) => logs.log.warn('watch failed', { error: messageOf(error) }),
    })
    this.#idle = setTimeout(() => this.end(), IDLE_MS)
  }

  /** Resolves when everything has ended. */
  get ended(): Promise<Outcome> {
    return this.#ended.promise
  }

  /** Brings what runs to what is wished for. If it fails nothing is touched; if nothing ever ran, this ends. */
  async apply(wish: Wish): Promise<Applied> {
    try {
      return await this.#adopt(() => this.#propose(wish))
    } catch (error) {
      if (!this.#inForce && this.#lane.length === 0) this.end()
      throw error
    }
  }

  /** What `apply` would do. */
  plan(wish: Wish): Promise<Applied> {
    return this.#lane.run(async () => this.#preview(await this.#propose(wish)))
  }

  /** Reads the files of the last apply anew, in its environment. What is invalid changes nothing, and is shown. */
  async reload({ dryRun }: Bodies['reload']): Promise<Applied> {
    this.#known()
    if (dryRun) return this.#lane.run(async () => this.#preview(await this.#reread()))
    try {
      return await this.#adopt(() => this.#reread())
    } catch (error) {
      this.#reject(error)
      throw error
    }
  }

  /** A file was saved, or a signal asked for it: the reload that waits takes in whatever comes meanwhile. */
  reloadSoon(): void {
    if (this.#isReloadWaiting || !this.#inForce) return
    this.#isReloadWaiting = true
    // A failure is in the status, the events and the log by now; nobody waits for it here.
    this.reload({ dryRun: false }).catch(() => {})
  }

  restart({ groups }: Bodies['restart']): Promise<Applied> {
    return this.#ask(groups, restart)
  }

  start({ groups }: Bodies['start']): Promise<Applied> {
    return this.#ask(groups, start)
  }

  stop({ groups }: Bodies['stop']): Promise<Applied> {
    return this.#ask(groups, stop)
  }

  status(): Status {
    const { name, version, warnings } = this.#options
    const { generation, hash, resolution } = { generation: 0, hash: '', resolution: undefined, ...this.#inForce }
    const state = this.#problems.length === 0 ? 'current' : 'stale'
    return statusOf({
      project: resolution?.profile.project ?? name,
      profile: resolution?.profile.name ?? '',
      supervisor: { pid: process.pid, startedAt: this.#startedAt, version, ...(warnings.length > 0 && { warnings }) },
      config: { generation, hash, state, problems: this.#problems },
      desired: this.#reconciler.desired,
      running: this.#reconciler.groups,
    })
  }

  events(signal: AbortSignal): AsyncGenerator<ControlEvent> {
    return this.#announcer.read(signal)
  }

  logs(query: LogQuery, signal: AbortSignal): AsyncGenerator<LogRecord> {
    return this.#options.logs.read(query, signal)
  }

  get isEnding(): boolean {
    return this.#isEnding
  }

  /** Begins to end everything; see `ended`. */
  end(): void {
    if (this.#isEnding) return
    this.#isEnding = true
    this.#end().then(this.#ended.resolve, this.#ended.reject)
  }

  /** While ending: waits no longer for work in flight. */
  force(): void {
    this.#reconciler.force()
  }

  async #end(): Promise<Outcome> {
    const began = this.#options.now()
    clearTimeout(this.#idle)
    await this.#watch.leave()
    const { stopped, killed } = await this.#reconciler.end()
    this.#options.guardian[Symbol.dispose]()
    const left = BUDGET_MS - (this.#options.now() - began)
    const swept = await sweep({ owner: this.#options.owner, graceMs: Math.min(SWEEP_MS, Math.max(200, left)) })
    this.#announcer[Symbol.dispose]()
    return { stopped, killed: [...killed, ...swept] }
  }

  #ask(groups: readonly string[], change: (wishes: Wishes, groups: readonly string[]) => Wishes): Promise<Applied> {
    return this.#adopt(async () => {
      const { wish, resolution } = this.#known()
      const names = resolution.profile.groups.map(({ name }) => name)
      const hint = `the groups are ${names.join(', ')}`
      const unknown = groups.find((name) => !names.includes(name))
      if (unknown !== undefined) throw new McpctlError('usage', `there is no group "${unknown}"`, { hint })
      return { wish, resolution, wishes: change(this.#wishes, groups.length === 0 ? names : groups) }
    })
  }

  async #reread(): Promise<Proposal> {
    this.#isReloadWaiting = false
    const { wish } = this.#known()
    return { wish, resolution: await this.#prepare(wish), wishes: this.#wishes }
  }

  async #propose(wish: Wish): Promise<Proposal> {
    return { wish, resolution: await this.#prepare(wish), wishes: up(this.#wishes, wish.groups) }
  }

  #prepare(wish: Wish): Promise<Resolution> {
    return this.#options.prepare(wish, this.#inForce?.resolution)
  }

  /** One proposal after the other; what a plan takes to be carried out holds up nobody. */
  async #adopt(propose: () => Promise<Proposal>): Promise<Applied> {
    const { applied, done } = await this.#lane.run(async () => this.#commit(await propose()))
    await done
    this.#announcer.show()
    return applied
  }

  /** Up to the claim a failure leaves everything as it was; after it nothing fails. */
  #commit(proposal: Proposal): Committed {
    if (this.#isEnding) throw new McpctlError('unreachable', 'the supervisor is ending')
    const desire = this.#desireOf(proposal)
    const claimed = this.#reconciler.claim(desire)
    this.#enforce(proposal, claimed)
    const { plan, done } = this.#reconciler.adopt(desire)
    const applied = this.#describe(proposal, plan)
    this.#announcer.applied(applied)
    return { applied, done }
  }

  #preview(proposal: Proposal): Applied {
    return this.#describe(proposal, this.#reconciler.preview(this.#desireOf(proposal)))
  }

  #desireOf({ resolution: { profile }, wishes }: Proposal): Desire {
    const { ports, hashes } = this.#options
    return () => desiredGroups({ profile, wishes, ports: ports.choose(profile.groups), hashes })
  }

  #hashOf(desired: readonly DesiredGroup[]): string {
    return this.#options.hashes.of(desired.map(({ name, listen, hash }) => [name, listen, hash]))
  }

  #enforce({ wish, resolution, wishes }: Proposal, { desired, plan }: Claimed): void {
    const hash = this.#hashOf(desired)
    const known = this.#inForce
    const before = { generation: 0, hash: '', ...known }
    const isSame = hash === before.hash && plan.actions.length === 0
    clearTimeout(this.#idle)
    // The profile that was chosen stays: what a reload reads anew are the files.
    const chosen = { ...wish, profile: resolution.profile.name }
    this.#inForce = { wish: chosen, resolution, generation: before.generation + (isSame ? 0 : 1), hash }
    this.#wishes = wishes
    // A wish about groups reads no file, and says nothing about those there are.
    if (resolution !== known?.resolution) this.#follow(chosen, resolution)
  }

  #follow({ watch }: Wish, { profile, sources }: Resolution): void {
    this.#problems = []
    this.#options.logs.hide(profile.secrets)
    if (watch) this.#watch.follow(sources)
    else void this.#watch.leave()
  }

  #describe({ resolution: { profile, warnings } }: Proposal, plan: Plan): Applied {
    return { profile: profile.name, generation: this.#inForce?.generation ?? 0, plan: printPlan(plan), warnings }
  }

  /** What runs goes on as it is; the status and the events say what is wrong with the files. */
  #reject(thrown: unknown): void {
    const error = asError(thrown)
    this.#problems = error.diagnostics.length > 0 ? error.diagnostics : [this.#problemOf(error)]
    const problems = this.#problems.map(place)
    this.#options.logs.log.error('configuration rejected', { error: error.message, problems })
    this.#announcer.rejected(this.#problems)
  }

  #problemOf({ code, message, hint }: McpctlError): Diagnostic {
    const file = this.#inForce?.resolution.sources.keys().next().value ?? ''
    return { severity: 'error', code, message, file, line: 1, column: 1, hint, frame: '' }
  }

  #known(): InForce {
    if (this.#inForce) return this.#inForce
    throw new McpctlError('usage', 'nothing has been applied yet', { hint: 'apply a profile with `mcpctl up`' })
  }
}
