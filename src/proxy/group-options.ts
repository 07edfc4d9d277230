import type { Group as GroupConfig } from '../config/profile.ts'
import type { Log } from '../shared/log.ts'
import type { Env } from '../shared/paths.ts'
import type { CatalogOptions } from './catalog/catalog.ts'
import type { Identity } from './catalog/handshake.ts'
import type { Session } from './downstream/session.ts'
import type { RpcMessage } from './mcp/rpc.ts'
import type { ReportNews } from './report.ts'
import type { Wishes } from './succession/word.ts'

export interface GroupOptions extends Pick<CatalogOptions, 'drifted'> {
  readonly group: GroupConfig
  readonly generation: number
  /** Of the configuration in force, and of the coming one while there is one. */
  readonly secrets: () => readonly string[]
  readonly identity: Identity
  readonly sessionKey: string
  readonly owner: string
  /** Servers tried again at once; as many as is usual where it is not said. */
  readonly retriesAtOnce?: number | undefined
  readonly env: Env
  readonly log: Log
  readonly report: (news: ReportNews) => void
  /** The other generation, while there is one. */
  readonly succession: {
    readonly wished: (session: Session, wishes: Wishes) => void
    readonly deleted: (session: Session) => void
    readonly elsewhere: (session: Session, message: RpcMessage) => void
  }
}

/** A configuration that may come into force. */
export type Coming = Pick<GroupOptions, 'group' | 'generation'>
