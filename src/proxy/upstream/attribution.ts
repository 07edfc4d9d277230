import { metaOf } from '../mcp/meta.ts'
import { type Id, isRecord, type RpcNotification, type RpcRequest } from '../mcp/rpc.ts'
import type { PendingCall } from './pending.ts'

const RELATED_TASK = 'io.modelcontextprotocol/related-task'

export type Calls = Pick<ReadonlyMap<Id, PendingCall>, 'get'> & { values(): Iterable<PendingCall> }

/**
 * The calls a server's request can have been made for: by the task it names, by the stream it came on, or because all
 * that is in flight is of one client. None when that is not certain: then nobody is asked, since a question to the
 * wrong person leaks.
 */
export function callsOf(message: RpcRequest, origin: Id | undefined, calls: Calls): readonly PendingCall[] {
  const task = relatedTask(message)
  if (task === undefined && origin === undefined) return ofOneClient(calls)
  const call = task === undefined ? calls.get(origin ?? '') : callOfTask(task, origin, calls)
  return call ? [call] : []
}

/**
 * The call a notification belongs to: by its progress token, its stream, the task or the elicitation it names, or
 * because only one can have caused a log. Undefined when it is not certain, or the call is over.
 */
export function listenerOf(message: RpcNotification, origin: Id | undefined, calls: Calls): PendingCall | undefined {
  const { method, params } = message
  if (method === 'notifications/progress') return calls.get(Number(params?.progressToken))
  if (method === 'notifications/resources/updated') return undefined
  if (origin !== undefined) return calls.get(origin)
  if (method === 'notifications/tasks/status') return awaiting(params?.taskId, calls)
  if (method === 'notifications/elicitation/complete') return sentTo(params?.elicitationId, calls)
  const task = relatedTask(message)
  if (task !== undefined) return awaiting(task, calls)
  return method === 'notifications/message' ? ofOneClient(calls)[0] : undefined
}

/** The task a message says it is about, by its id. */
export function relatedTask(message: RpcRequest | RpcNotification): string | undefined {
  const related = metaOf(message.params)[RELATED_TASK]
  return isRecord(related) && typeof related.taskId === 'string' ? related.taskId : undefined
}

/** On a stream of the task's own that call; a stream of any other says nothing, since it may be another client's. */
function callOfTask(task: string, origin: Id | undefined, calls: Calls): PendingCall | undefined {
  const own = calls.get(origin ?? '')
  const params = own?.exchange.params
  return params?.taskId === task || params?.task !== undefined ? own : awaiting(task, calls)
}

/** Whoever waits for the task's result is the one to ask. */
function awaiting(task: unknown, calls: Calls): PendingCall | undefined {
  for (const call of calls.values()) {
    const { method, params } = call.exchange
    if (method === 'tasks/result' && params?.taskId === task) return call
  }
  return undefined
}

/** Whoever was sent to a page is the one to hear that all is done there. */
function sentTo(elicitation: unknown, calls: Calls): PendingCall | undefined {
  for (const call of calls.values()) if (call.elicitations.has(elicitation)) return call
  return undefined
}

/** All there are, when they are of the same client; a single one in any case. */
function ofOneClient(calls: Calls): readonly PendingCall[] {
  const all = [...calls.values()]
  const client = all[0]?.exchange.caller.session
  const isOne = all.length < 2 || (client !== undefined && all.every((call) => call.exchange.caller.session === client))
  return isOne ? all : []
}

export function only(calls: Calls): PendingCall | undefined {
  const [first, second] = calls.values()
  return second === undefined ? first : undefined
}
