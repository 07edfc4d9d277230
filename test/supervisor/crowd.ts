import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { type ReadEvents, readEvents } from '../helpers/events.ts'
import { type Message, messages, rawSession } from '../helpers/mcp.ts'
import { headOf, requestOf } from '../helpers/modern.ts'

export type RawSession = Awaited<ReturnType<typeof rawSession>>

/** Many callers at once, each in a session and on a connection of its own, in closed loops. */
export interface Crowd {
  readonly sessions: readonly RawSession[]
  /** Of the requests that failed: the code of the connection's error, or what was wrong with the answer. */
  readonly failures: readonly string[]
  /** How many were answered as they should be. */
  readonly answered: number
  /** How many wait for their answer. */
  readonly inFlight: number
  /** Resolves with the milliseconds from now to the first good answer to a request that begins from now on. */
  back(): Promise<number>
  /** Resolves when every caller has its last answer. */
  stop(): Promise<void>
}

/** `tool` has to give back the text it is given. */
export async function crowd(url: string, { size, tool }: { size: number; tool: string }): Promise<Crowd> {
  const sessions = await Promise.all(Array.from({ length: size }, () => rawSession(url)))
  const failures: string[] = []
  const waiting = new Set<(begunAt: number) => void>()
  let [answered, inFlight, isOver, next] = [0, 0, false, 0]
  const agents = sessions.map(() => new Agent({ keepAlive: true, maxSockets: 1 }))
  const call = async (session: RawSession, agent: Agent) => {
    const nonce = `n${++next}`
    const begunAt = performance.now()
    inFlight++
    const asked = askOn({ agent, url, session, body: callOf(tool, nonce) })
    const [answer] = await asked.finally(() => inFlight--)
    const content = answer?.result?.content as readonly { readonly text: string }[] | undefined
    if (answer?.id !== nonce || !content?.[0]?.text.includes(nonce)) throw new Error(JSON.stringify(answer))
    answered++
    for (const told of waiting) told(begunAt)
  }
  const loops = sessions.map(async (session, n) => {
    const agent = agents[n] as Agent
    while (!isOver) await call(session, agent).catch((error) => failures.push(error.code ?? String(error)))
    agent.destroy()
  })
  return {
    sessions,
    failures,
    get answered() {
      return answered
    },
    get inFlight() {
      return inFlight
    },
    back: () =>
      new Promise((resolve) => {
        const since = performance.now()
        const told = (begunAt: number) => {
          if (begunAt < since) return
          waiting.delete(told)
          resolve(performance.now() - since)
        }
        waiting.add(told)
      }),
    async stop() {
      isOver = true
      await Promise.all(loops)
    },
  }
}

function callOf(name: string, nonce: string): string {
  return JSON.stringify({
    jsonrpc: '2.0',
    id: nonce,
    method: 'tools/call',
    params: { name, arguments: { text: nonce } },
  })
}

interface Asking {
  readonly agent: Agent
  readonly url: string
  readonly session: RawSession
  readonly body: string
}

/** Over a connection that nobody else uses: one that a pool takes for alive would fail for who did not lose it. */
async function askOn({ agent, url, session, body }: Asking): Promise<Message[]> {
  const accept = 'application/json, text/event-stream'
  const headers = { 'content-type': 'application/json', accept, 'mcp-session-id': session.id }
  const asked = request(url, { method: 'POST', agent, headers }).end(body)
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  const type = response.headers['content-type'] ?? ''
  return messages(new Response(await text(response), { headers: { 'content-type': type } }))
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
