import { type ReadEvents, readEvents } from '../helpers/events.ts'
import { rawSession } from '../helpers/mcp.ts'
import { headOf, requestOf } from '../helpers/modern.ts'

export type RawSession = Awaited<ReturnType<typeof rawSession>>

/** Many callers at once, each in a session of its own, in closed loops. */
export interface Crowd {
  readonly sessions: readonly RawSession[]
  /** Of the requests that failed: the code of the connection's error, or what was wrong with the answer. */
  readonly failures: readonly string[]
  /** How many were answered as they should be. */
  readonly answered: number
  /** When the last one was answered, in monotonic milliseconds. */
  readonly lastAnswer: number
  /** Resolves when every caller has its last answer. */
  stop(): Promise<void>
}

/** `tool` has to give back the text it is given. */
export async function crowd(url: string, { size, tool }: { size: number; tool: string }): Promise<Crowd> {
  const sessions = await Promise.all(Array.from({ length: size }, () => rawSession(url)))
  const failures: string[] = []
  let [answered, lastAnswer, isOver, next] = [0, 0, false, 0]
  const call = async (session: RawSession) => {
    const nonce = `n${++next}`
    const [answer] = await session.ask('tools/call', { name: tool, arguments: { text: nonce } }, nonce)
    const content = answer?.result?.content as readonly { readonly text: string }[] | undefined
    if (answer?.id !== nonce || !content?.[0]?.text.includes(nonce)) throw new Error(JSON.stringify(answer))
    answered++
    lastAnswer = performance.now()
  }
  const loops = sessions.map(async (session) => {
    while (!isOver) await call(session).catch((error) => failures.push(error.cause?.code ?? String(error)))
  })
  return {
    sessions,
    failures,
    get answered() {
      return answered
    },
    get lastAnswer() {
      return lastAnswer
    },
    async stop() {
      isOver = true
      await Promise.all(loops)
    },
  }
}

/** A session's own stream. */
export function listenTo(url: string, { id }: RawSession, lastEventId?: string): Promise<ReadEvents> {
  const resumed: Record<string, string> = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
  return readEvents(url, { headers: { accept: 'text/event-stream', 'mcp-session-id': id, ...resumed } })
}

/** A modern client's stream. */
export function openListen(url: string, notifications: object, id: unknown = 'listen'): Promise<ReadEvents> {
  const request = requestOf('subscriptions/listen', { notifications }, id)
  const accept = 'application/json, text/event-stream'
  const headers = { 'content-type': 'application/json', accept, ...headOf(request) }
  return readEvents(url, { method: 'POST', headers, body: JSON.stringify(request) })
}

export const LIST_CHANGED = 'notifications/tools/list_changed'

export function heard({ messages }: Pick<ReadEvents, 'messages'>, method: string): number {
  return messages.filter((message) => message.method === method).length
}
