import type { DesiredGroup } from '../plan/model.ts'
import type { ServerFailure } from '../proxy/protocol.ts'
import type { Drift } from '../shared/drift.ts'
import type { Log } from '../shared/log.ts'
import type { Child, ChildEvents } from './child.ts'
import type { Basis } from './proxies.ts'
import type { HeldSocket, Sockets } from './sockets.ts'
import type { Sorry } from './sorry.ts'
import type { Timing } from './timing.ts'

/** What a group needs of the supervisor. */
export interface Surroundings {
  readonly sockets: Sockets
  /** Starts a proxy process; it is given its configuration by `begin`. */
  readonly spawn: (desired: DesiredGroup, socket: HeldSocket, how: Spawning) => Child
  /** Resolves with what did not come up, undefined when the proxy has no answer. */
  readonly prepare: (child: Child, desired: DesiredGroup, preparing: Preparing) => Promise<Prepared>
  /** Resolves with whether the configuration is in force. */
  readonly commit: (child: Child, desired: DesiredGroup) => Promise<boolean>
  /** Answers whoever comes to a socket without a proxy, for so many milliseconds. */
  readonly apologise: (socket: HeldSocket, ms: number) => Sorry
  /** What tells one version of the proxy's program from another; undefined when there is none. */
  readonly program: () => string | undefined
  readonly timing: Timing
  /** Ends what is left of a proxy and its servers. */
  readonly reap: (child: Child) => Promise<void>
  /** Something about the group is not as it was: `shown` where it is only to be seen, `due` where a plan may follow. */
  readonly changed: (how: 'shown' | 'due') => void
  readonly line: (group: string, line: string) => void
  /** A server of the group is not as it was locked. */
  readonly drifted: (group: string, drift: Drift) => void
  readonly log: Log
  /** The text without any secret in it: reasons are shown. */
  readonly clean: (text: string) => string
  /** Monotonic, in milliseconds. */
  readonly now: () => number
  /** Uniform in [0, 1). */
  readonly random: () => number
}

export interface Spawning {
  readonly listenWhen: 'now' | 'ready'
  readonly events: ChildEvents
  /** Of what is coming; what is in force when absent. */
  readonly basis?: Basis | undefined
}

export interface Preparing {
  readonly basis: Basis
  /** Ends it. */
  readonly signal: AbortSignal
}

export type Prepared = readonly ServerFailure[] | undefined
