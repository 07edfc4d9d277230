import { createParser, type EventSourceMessage } from 'eventsource-parser'
import type { Message } from './mcp.ts'

export interface ReadEvents {
  readonly status: number
  readonly headers: Headers
  /** What came so far, events without data included. */
  readonly events: readonly EventSourceMessage[]
  /** The `retry` fields so far, in milliseconds. */
  readonly retries: readonly number[]
  readonly comments: readonly string[]
  /** The messages among the events. */
  readonly messages: readonly Message[]
  readonly lastId: string | undefined
  /** Resolves when the stream is over, however it ended. */
  readonly over: Promise<void>
  /** Breaks the connection. */
  abort(): void
}

/** Opens an event stream and reads it in the background. */
export async function readEvents(url: string, init: RequestInit = {}): Promise<ReadEvents> {
  const controller = new AbortController()
  const response = await fetch(url, { ...init, signal: controller.signal })
  const events: EventSourceMessage[] = []
  const retries: number[] = []
  const comments: string[] = []
  const parser = createParser({
    onEvent: (event) => events.push(event),
    onRetry: (ms) => retries.push(ms),
    onComment: (comment) => comments.push(comment),
  })
  return {
    status: response.status,
    headers: response.headers,
    events,
    retries,
    comments,
    get messages() {
      return events.flatMap(({ data }) => (data === '' ? [] : [JSON.parse(data)]))
    },
    get lastId() {
      return events.findLast(({ id }) => id !== undefined)?.id
    },
    over: feed(response, (text) => parser.feed(text)),
    abort: () => controller.abort(),
  }
}

async function feed(response: Response, take: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder()
  try {
    for await (const chunk of response.body ?? []) take(decoder.decode(chunk, { stream: true }))
  } catch {
    // Broken by one of the two sides: what came until then is what the tests look at.
  }
}
