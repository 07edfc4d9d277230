import type { Asker } from '../downstream/asker.ts'
import type { Caller } from '../mcp/exchange.ts'
import { INVALID_PARAMS, RpcFailure } from '../mcp/rpc.ts'
import type { Seat } from '../servers/seat.ts'
import { isPrivate } from '../servers/sharing.ts'
import type { TaskSource } from './task-list.ts'
import type { Tasks } from './tasks.ts'

export interface TaskAccessOptions {
  readonly tasks: Tasks
  /** Throws RpcFailure when the server is gone. */
  readonly seat: (server: string) => Seat
}

/** Whose task is whose: nobody is told of, or gets at, what another client began. */
export class TaskAccess {
  readonly #options: TaskAccessOptions

  constructor(options: TaskAccessOptions) {
    this.#options = options
  }

  /**
   * The server that has this task of the asker's. On one server's address it is asked itself, unless many share the way
   * to it: then only about one's own. Throws RpcFailure when there is none.
   */
  holder({ server: address, caller }: Asker, taskId: string): string {
    const { tasks, seat } = this.#options
    const server = address ?? tasks.find(taskId, caller)?.server
    const way = server === undefined ? undefined : seat(server).wayOf(caller)
    if (server !== undefined && way !== undefined && this.#isOwn(way, caller, taskId)) return server
    throw new RpcFailure(INVALID_PARAMS, `Unknown task: ${taskId}`)
  }

  /** What a server lists of the asker's. */
  source({ caller }: Asker, server: string): TaskSource {
    const { tasks, seat: seatOf } = this.#options
    const seat = seatOf(server)
    const way = seat.wayOf(caller)
    return {
      ask: async (exchange) => seat.call(exchange),
      isOwn: (id) => {
        if (isPrivate(way)) tasks.remember({ server, way }, caller, id)
        return this.#isOwn(way, caller, id)
      },
    }
  }

  /** A modern server tells its clients apart by their credentials, if at all. */
  #isOwn(way: string, caller: Caller, id: string): boolean {
    return caller.era === 'modern' || isPrivate(way) || this.#options.tasks.isOwn(id, way, caller)
  }
}
