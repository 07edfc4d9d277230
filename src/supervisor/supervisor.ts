import type { WrittenSet } from '../config/load.ts'
import type { LogQuery } from '../control/client.ts'
import type { Answers, Applied, Bodies, ControlEvent, LogRecord, Status, Wish } from '../control/protocol.ts'
import type { Wishes } from '../plan/desired.ts'
import type { Hashes } from '../plan/hashes.ts'
import { restart, start, stop, up } from '../plan/wishes.ts'
import { defer } from '../shared/async.ts'
import { McpctlError, messageOf } from '../shared/errors.ts'
import { Announcer } from './announcer.ts'
import { askFor, type Change } from './ask-for.ts'
import type { History } from './history.ts'
import type { Logs } from './logs.ts'
import { Past } from './past.ts'
import type { Ports } from './ports.ts'
import type { ChosenWish, Draft } from './prepare.ts'
import { Problems } from './problems.ts'
import { type Proposal, Proposals } from './proposals.ts'
import { type InForce, type ProxiesOptions, proxies } from './proxies.ts'
import { Reconciler } from './reconciler.ts'
import { Saves } from './saves.ts'
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
  readonly prepare: (wish: Wish, inForce: Draft | undefined) => Promise<Draft>
  readonly restore: (set: WrittenSet, wish: ChosenWish, inForce: Draft | undefined) => Promise<Draft>
  readonly history: History
  readonly watch: OpenWatch
  readonly hashes: Hashes
  /** Uniform in [0, 1). */
  readonly random: () => number
}

/** What had run when everything ended, and what had to be killed for it. */
export type Outcome = Answers['down']

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
  readonly #proposals: Proposals
  readonly #past: Past
  readonly #problems: Problems
  readonly #announcer = new Announcer(() => this.status())
  readonly #watch: SourceWatch
  readonly #ended = defer<Outcome>()
  readonly #idle: NodeJS.Timeout
  readonly #saves: Saves
  #isEnding = false

  constructor(options: SupervisorOptions) {
    this.#options = options
    const { owner, logs, sockets, timing, now, random, ports, hashes, history, restore } = options
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
    this.#saves = new Saves({
      read: () => this.#reread(false),
      adopt: (propose) => this.#adopt(propose),
      rejected: (error) => this.#reject(error),
      contentOf: ({ resolution }) => hashes.of(resolution.written.files),
      now,
    })
    this.#problems = new Problems({
      log: logs.log,
      remindMs: timing.reminder,
      rejected: (problems) => this.#announcer.rejected(problems),
    })
    this.#past = new Past({ history, restore: (set, wish) => this.#hidden(restore(set, wish, this.#resolution)) })
    this.#proposals = new Proposals({
      reconciler: this.#reconciler,
      ...{ ports, hashes, lastGeneration: history.newest },
      entered: (proposal, inForce) => this.#entered(proposal, inForce),
      applied: (applied) => this.#announcer.applied(applied),
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
      if (!this.#proposals.inForce && this.#proposals.isIdle) this.end()
      throw error
    }
  }

  /** What `apply` would do. */
  async plan(wish: Wish): Promise<Applied> {
    return this.#proposals.preview(await this.#propose(wish))
  }

  /** Reads the files of the last apply anew, in its environment. What is invalid changes nothing, and is shown. */
  async reload({ dryRun, allowEmpty = false }: Bodies['reload']): Promise<Applied> {
    this.#known()
    if (dryRun) return this.#proposals.preview(await this.#reread(allowEmpty))
    try {
      return await this.#adopt(() => this.#reread(allowEmpty))
    } catch (error) {
      this.#reject(error)
      throw error
    }
  }

  /** Puts in force again what was at a generation, or at the one before. The files stay as they are. */
  rollback({ generation }: Bodies['rollback']): Promise<Applied> {
    return this.#adopt(() => this.#past.rollback(generation, this.#known()))
  }

  /** A file was saved, or a signal asked for it. */
  reloadSoon(): void {
    if (this.#proposals.inForce) this.#saves.soon()
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
    const { generation, hash, resolution } = {
      generation: 0,
      hash: '',
      resolution: undefined,
      ...this.#proposals.inForce,
    }
    const problems = this.#problems.found
    const state = problems.length === 0 ? 'current' : 'stale'
    return statusOf({
      project: resolution?.profile.project ?? name,
      profile: resolution?.profile.name ?? '',
      supervisor: { pid: process.pid, startedAt: this.#startedAt, version, ...(warnings.length > 0 && { warnings }) },
      config: { generation, hash, state, problems },
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
    this.#saves[Symbol.dispose]()
    this.#problems[Symbol.dispose]()
    this.#proposals.end()
    await this.#watch.leave()
    const { stopped, killed } = await this.#reconciler.end()
    this.#options.guardian[Symbol.dispose]()
    const left = BUDGET_MS - (this.#options.now() - began)
    const swept = await sweep({ owner: this.#options.owner, graceMs: Math.min(SWEEP_MS, Math.max(200, left)) })
    this.#announcer[Symbol.dispose]()
    return { stopped, killed: [...killed, ...swept] }
  }

  #ask(groups: readonly string[], change: Change): Promise<Applied> {
    return this.#adopt(async () => askFor(groups, change, this.#known()))
  }

  async #reread(allowEmpty: boolean): Promise<Proposal> {
    const { wish, wishes } = this.#proposals.newest ?? { ...this.#known(), wishes: (now: Wishes) => now }
    // What is empty already is meant to be.
    const isEmpty = this.#resolution?.profile.groups.length === 0
    const resolution = await this.#prepare({ ...wish, allowEmpty: allowEmpty || isEmpty })
    return { wish, resolution, wishes, isStrict: true, problems: [] }
  }

  async #propose(wish: Wish): Promise<Proposal> {
    try {
      const resolution = await this.#prepare(wish)
      return { wish, resolution, wishes: (now) => up(now, wish.groups), isStrict: false, problems: [] }
    } catch (error) {
      // Where something runs that is the last good one.
      if (this.#resolution || !(error instanceof McpctlError)) throw error
      return this.#past.resume(wish, error)
    }
  }

  #prepare(wish: Wish): Promise<Draft> {
    return this.#hidden(this.#options.prepare(wish, this.#resolution))
  }

  /** Nothing of it is used before its secrets are known to whoever writes something. */
  async #hidden(coming: Promise<Draft>): Promise<Draft> {
    const draft = await coming
    this.#options.logs.hide(draft.profile.secrets)
    return draft
  }

  get #resolution(): Draft | undefined {
    return this.#proposals.inForce?.resolution
  }

  /** What a plan takes to be carried out holds up nobody but who asked for it. */
  async #adopt(propose: () => Promise<Proposal>): Promise<Applied> {
    const applied = await this.#proposals.adopt(propose)
    this.#announcer.show()
    return applied
  }

  #entered({ problems }: Proposal, inForce: InForce): void {
    clearTimeout(this.#idle)
    this.#past.keep(inForce)
    // A wish about groups reads no file, and says nothing about those there are.
    if (inForce.resolution === this.#resolution) return
    this.#problems.reset(problems)
    if (inForce.wish.watch) this.#watch.follow(inForce.resolution.sources)
    else void this.#watch.leave()
  }

  /** What runs goes on as it is; the status and the events say what is wrong with the files. */
  #reject(thrown: unknown): void {
    if (this.#isEnding || this.#proposals.isSuperseded(thrown)) return
    this.#problems.reject(thrown, this.#resolution?.sources.keys().next().value ?? '')
  }

  #known(): InForce {
    const { inForce } = this.#proposals
    if (inForce) return inForce
    throw new McpctlError('usage', 'nothing has been applied yet', { hint: 'apply a profile with `mcpctl up`' })
  }
}
