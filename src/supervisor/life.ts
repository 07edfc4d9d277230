import type { DesiredGroup, Listen, ObservedProcess } from '../plan/model.ts'
import type { Child } from './child.ts'

/** Where a group is between two plans. Old processes that only finish their work stand beside it. */
export type Life =
  | { readonly state: 'none' }
  | { readonly state: 'running'; readonly child: Child }
  /** `child` serves as it did `before`, until `next` listens. */
  | { readonly state: 'replacing'; readonly child: Child; readonly next: Child; readonly before: Given }
  | { readonly state: 'draining'; readonly child: Child }
  | { readonly state: 'waiting'; readonly for: Wait; readonly reason: string; readonly retryAt: number }

/** `repair`: trying again changes nothing before the configuration or the program is another one. */
export type Wait = 'backoff' | 'quarantine' | 'port' | 'repair'

/** What a proxy was given: its configuration and the address of its socket, if it got one. */
export interface Given {
  readonly desired: DesiredGroup
  readonly listen: Listen | undefined
}

export interface Circumstances {
  /** What a running proxy has too much of. */
  readonly excess: string | undefined
  /** When one that waits for its repair is looked at again; asked of those only, since it looks at the program's file. */
  readonly repairAt: () => number
}

export function observed(life: Life, { excess, repairAt }: Circumstances): ObservedProcess {
  switch (life.state) {
    case 'none':
      return { state: 'none' }
    case 'running':
    case 'replacing':
      return { state: 'running', pid: life.child.pid, ...(excess !== undefined && { excess }) }
    case 'draining':
      return { state: 'draining', pid: life.child.pid }
    case 'waiting':
      return { state: 'exited', reason: life.reason, retryAt: life.for === 'repair' ? repairAt() : life.retryAt }
    default:
      return life satisfies never
  }
}
