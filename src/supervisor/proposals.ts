import type { Applied } from '../control/protocol.ts'
import { desiredGroups, type Wishes } from '../plan/desired.ts'
import { printPlan } from '../plan/format.ts'
import type { Hashes } from '../plan/hashes.ts'
import type { DesiredGroup, Plan } from '../plan/model.ts'
import { noWishes } from '../plan/wishes.ts'
import type { Diagnostic } from '../shared/diagnostic.ts'
import { McpctlError } from '../shared/errors.ts'
import { Lane } from './lane.ts'
import type { Ports } from './ports.ts'
import type { Basis, InForce } from './proxies.ts'
import type { Claimed, Desire, Reconciler } from './reconciler.ts'
import type { Staging } from './staging.ts'

/** What an apply, a reload, a rollback or a wish about groups asks to be in force. */
export interface Proposal extends Basis {
  /** What becomes of the wishes there are at that time. */
  readonly wishes: (now: Wishes) => Wishes
  /** New groups have to come up for it; else they may wait for their port. */
  readonly isStrict: boolean
  /** What remains to be said of the files once it is in force. */
  readonly problems: readonly Diagnostic[]
}

export interface ProposalsOptions {
  readonly reconciler: Reconciler
  readonly ports: Ports
  readonly hashes: Hashes
  /** The number of the last one of an earlier supervisor; 0 when there was none. */
  readonly lastGeneration: number
  /** It is in force from now on; what runs follows right after. */
  readonly entered: (proposal: Proposal, inForce: InForce) => void
  /** It is carried out. */
  readonly applied: (applied: Applied) => void
}

interface Committed {
  readonly applied: Applied
  /** Resolves when every step is done or has failed. */
  readonly done: Promise<void>
}

/** One that is being prepared. */
interface Pending {
  readonly proposal: Proposal
  readonly claimed: Claimed
  readonly staging: Staging
  readonly outcome: Promise<Committed>
}

/**
 * From a proposal to what is in force: read, compare, claim addresses, prepare, commit. One after the other, but for
 * the preparation, which takes its time: it holds up nobody, and a proposal of something else ends it.
 */
export class Proposals {
  readonly #options: ProposalsOptions
  readonly #lane = new Lane()
  #pending: Pending | undefined
  #inForce: InForce | undefined
  #wishes: Wishes = noWishes
  /** What those were told that a newer one made needless. */
  readonly #superseded = new WeakSet<object>()
  #isOver = false

  constructor(options: ProposalsOptions) {
    this.#options = options
  }

  get inForce(): InForce | undefined {
    return this.#inForce
  }

  /** What whoever reads the files anew has to go by: what is coming, else what is in force. */
  get newest(): Pick<Proposal, 'wish' | 'wishes'> | undefined {
    if (this.#pending) return this.#pending.proposal
    return this.#inForce && { wish: this.#inForce.wish, wishes: (now) => now }
  }

  /** Whether an error only says that another proposal came. */
  isSuperseded(error: unknown): boolean {
    return error instanceof McpctlError && this.#superseded.has(error)
  }

  get isIdle(): boolean {
    return this.#lane.length === 0 && !this.#pending
  }

  /**
   * Puts in force what is proposed, and carries it out. If it rejects, all is as it was: with what the proposal threw,
   * `conflict` for a taken address or when another proposal came, `not_ready` when what is required does not come up.
   */
  async adopt(propose: () => Promise<Proposal>): Promise<Applied> {
    const taken = await this.#lane.run(async () => this.#take(await propose()))
    const { applied, done } = 'outcome' in taken ? await taken.outcome : taken
    await done
    return applied
  }

  /** What adopting it would do. */
  preview(proposal: Proposal): Applied {
    return this.#describe(proposal, this.#options.reconciler.preview(this.#desireOf(proposal)))
  }

  /** Nothing is put in force any more. */
  end(): void {
    this.#isOver = true
    this.#giveUp(new McpctlError('unreachable', 'the supervisor is ending'))
  }

  #take(proposal: Proposal): Committed | Pending {
    if (this.#isOver) throw new McpctlError('unreachable', 'the supervisor is ending')
    const { reconciler } = this.#options
    const claimed = reconciler.claim(this.#desireOf(proposal), proposal)
    // A wish about groups is at once: it changes nothing that is prepared.
    if (proposal.resolution === this.#inForce?.resolution) return this.#commit({ proposal, claimed })
    if (this.#pending && this.#isSame(this.#pending, proposal, claimed)) return this.#pending
    const reason = new McpctlError('conflict', 'a newer configuration came while this one was being prepared')
    this.#superseded.add(reason)
    this.#giveUp(reason)
    const staging = reconciler.stage(claimed, { basis: proposal, isStrict: proposal.isStrict })
    if (!staging) return this.#commit({ proposal, claimed })
    this.#pending = { proposal, claimed, staging, outcome: this.#prepared({ proposal, claimed, staging }) }
    return this.#pending
  }

  #isSame({ proposal: before, claimed: { desired } }: Pending, proposal: Proposal, claimed: Claimed): boolean {
    const running = (groups: readonly DesiredGroup[]) => groups.map((group) => group.running).join()
    const isSameProfile = before.resolution.profile.name === proposal.resolution.profile.name
    const isSameRun = running(desired) === running(claimed.desired)
    return isSameProfile && isSameRun && this.#hashOf(desired) === this.#hashOf(claimed.desired)
  }

  async #prepared(coming: Omit<Pending, 'outcome'>): Promise<Committed> {
    const { staging } = coming
    try {
      await staging.ready()
      return await this.#lane.run(async () => {
        staging.assertWanted()
        return this.#commit(coming)
      })
    } catch (error) {
      this.#options.reconciler.abandon(staging)
      throw error
    } finally {
      if (this.#pending?.staging === staging) this.#pending = undefined
    }
  }

  #giveUp(reason: McpctlError): void {
    const staging = this.#pending?.staging
    this.#pending = undefined
    if (!staging) return
    staging.end(reason)
    this.#options.reconciler.abandon(staging)
  }

  /** From here on nothing fails. */
  #commit({ proposal, claimed, staging }: CommitOptions): Committed {
    const desire = this.#desireOf(proposal)
    this.#enforce(proposal, claimed)
    const { plan, done } = this.#options.reconciler.adopt(desire, staging)
    const { warnings, ...described } = this.#describe(proposal, staging ? claimed.plan : plan)
    const shortfalls = staging?.shortfalls.map((message) => warningOf(proposal, message)) ?? []
    const applied = { ...described, warnings: [...warnings, ...shortfalls] }
    this.#options.applied(applied)
    return { applied, done }
  }

  #enforce(proposal: Proposal, { desired, plan }: Claimed): void {
    const { lastGeneration, entered } = this.#options
    const hash = this.#hashOf(desired)
    const before = { generation: lastGeneration, hash: '', ...this.#inForce }
    const isSame = hash === before.hash && plan.actions.length === 0
    const { wish, resolution } = proposal
    const { resume: _resume, allowEmpty: _allowEmpty, ...lasting } = wish
    // The profile that was chosen stays: what a reload reads anew are the files.
    const chosen = { ...lasting, profile: resolution.profile.name }
    const inForce = { wish: chosen, resolution, generation: before.generation + (isSame ? 0 : 1), hash }
    entered(proposal, inForce)
    this.#inForce = inForce
    this.#wishes = proposal.wishes(this.#wishes)
  }

  /** The wishes are those of the moment: others may come while this is prepared. */
  #desireOf({ resolution: { profile }, wishes }: Proposal): Desire {
    const { ports, hashes } = this.#options
    const wished = wishes(this.#wishes)
    return () => desiredGroups({ profile, wishes: wished, ports: ports.choose(profile.groups), hashes })
  }

  #hashOf(desired: readonly DesiredGroup[]): string {
    return this.#options.hashes.of(desired.map(({ name, listen, hash }) => [name, listen, hash]))
  }

  #describe({ resolution: { profile, warnings } }: Proposal, plan: Plan): Applied {
    return { profile: profile.name, generation: this.#inForce?.generation ?? 0, plan: printPlan(plan), warnings }
  }
}

interface CommitOptions extends Pick<Pending, 'proposal' | 'claimed'> {
  /** Absent when there was nothing to prepare. */
  readonly staging?: Staging
}

function warningOf({ resolution: { written } }: Proposal, message: string): Diagnostic {
  const file = written.files[0]?.path ?? written.folder
  const hint = 'it is tried again; see `mcpctl status`'
  return { severity: 'warning', code: 'server_not_up', message, file, line: 1, column: 1, hint, frame: '' }
}
