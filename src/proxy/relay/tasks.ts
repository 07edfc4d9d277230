import { Recent } from '../../shared/recent.ts'
import type { Caller } from '../mcp/exchange.ts'
import { isError, isRecord, type Params, type RpcResponse } from '../mcp/rpc.ts'

const MOST = 10_000

/** Where a task is: at which server, and by which way to it. */
export interface Whereabouts {
  readonly server: string
  /** See `wayOf`. */
  readonly way: string
}

/**
 * Whose each task is that calls have begun, and at which server: ids are the servers' own, and over an upstream that
 * many share the server cannot tell its clients apart. In memory: the tasks of an earlier process are nobody's.
 */
export class Tasks {
  /** Owner and id → where. */
  readonly #where = new Recent<Whereabouts>(MOST)
  /** Way and id → owner. */
  readonly #owners = new Recent<string>(MOST)

  /** Remembers the task a call was answered with (MCP: Tasks, Creating Tasks). */
  learn(where: Whereabouts, caller: Caller, response: RpcResponse): void {
    const id = isError(response) ? undefined : createdTask(response.result)
    if (id !== undefined) this.remember(where, caller, id)
  }

  remember(where: Whereabouts, caller: Caller, id: string): void {
    const owner = ownerOf(caller)
    this.#where.set(key(owner, id), where)
    this.#owners.set(key(where.way, id), owner)
  }

  /** Where this caller's task is; undefined when it has none of that id. */
  find(id: string, caller: Caller): Whereabouts | undefined {
    return this.#where.get(key(ownerOf(caller), id))
  }

  isOwn(id: string, way: string, caller: Caller): boolean {
    return this.#owners.get(key(way, id)) === ownerOf(caller)
  }

  /** The session whose task this is; undefined when it is not known, or no session's. */
  ownerOf(id: string, way: string): string | undefined {
    return this.#owners.get(key(way, id))
  }
}

function createdTask(result: Params): string | undefined {
  const task = isRecord(result.task) ? result.task : result.resultType === 'task' ? result : undefined
  return typeof task?.taskId === 'string' ? task.taskId : undefined
}

/** Modern callers have no session: who holds the id of a task may use it, within one authorization context. */
function ownerOf({ session, principal }: Caller): string {
  return session ?? `principal:${principal}`
}

function key(first: string, id: string): string {
  return JSON.stringify([first, id])
}
