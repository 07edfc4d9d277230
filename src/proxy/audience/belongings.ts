import type { RpcNotification } from '../mcp/rpc.ts'
import type { Elicitations } from '../relay/elicitations.ts'
import type { Tasks } from '../relay/tasks.ts'
import { isPrivate } from '../servers/sharing.ts'
import { relatedTask } from '../upstream/attribution.ts'

export interface BelongingsOptions {
  readonly tasks: Tasks
  readonly elicitations: Elicitations
}

/** A notification that belongs to one session, but is not known to which. */
export const NOBODY = ''

/** Whose a notification is that is about one client's task or elicitation, wherever it came. */
export class Belongings {
  readonly #options: BelongingsOptions

  constructor(options: BelongingsOptions) {
    this.#options = options
  }

  /** The owning session's `sid`, or `NOBODY`; undefined for notifications that are not of this sort. */
  ownerOf(way: string, notification: RpcNotification): string | undefined {
    const { tasks, elicitations } = this.#options
    const { method, params } = notification
    // All that comes by a private way is for its owner.
    if (isPrivate(way)) return undefined
    if (method === 'notifications/elicitation/complete')
      return elicitations.sessionOf(way, params?.elicitationId) ?? NOBODY
    const task = method === 'notifications/tasks/status' ? params?.taskId : relatedTask(notification)
    return typeof task === 'string' ? (tasks.ownerOf(task, way) ?? NOBODY) : undefined
  }
}
