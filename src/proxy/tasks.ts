import type { Caller } from './exchange.ts'
import { isError, isRecord, type Params, type RpcResponse } from './rpc.ts'

const MOST = 10_000

/** Where a task is: at which server. */
export interface Whereabouts {
  readonly server: string
}

/** Which server has a task, learned from the results that began it: the newest ten thousand, each its owner's alone. */
export class Tasks {
  /** Owner and id → where. */
  readonly #where = new Map<string, Whereabouts>()

  /** Remembers the task a call was answered with. */
  learn(where: Whereabouts, caller: Caller, response: RpcResponse): void {
    const id = isError(response) ? undefined : createdTask(response.result)
    if (id === undefined) return
    const key = keyOf(caller, id)
    this.#where.delete(key)
    this.#where.set(key, where)
    if (this.#where.size > MOST) this.#forgetOldest()
  }

  /** Where this caller's task is; undefined when it has none of that id. */
  find(id: string, caller: Caller): Whereabouts | undefined {
    return this.#where.get(keyOf(caller, id))
  }

  #forgetOldest(): void {
    for (const oldest of this.#where.keys()) {
      this.#where.delete(oldest)
      return
    }
  }
}

/** In the extension's results the task is the result itself, in those of 2025-11-25 a field of it. */
function createdTask(result: Params): string | undefined {
  const task = isRecord(result.task) ? result.task : result.resultType === 'task' ? result : undefined
  return typeof task?.taskId === 'string' ? task.taskId : undefined
}

/** Modern callers have no session: who holds the id of a task may use it, within one authorization context. */
function keyOf({ session, principal }: Caller, id: string): string {
  return JSON.stringify([session ?? `principal:${principal}`, id])
}
