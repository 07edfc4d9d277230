import { EventSourceParserStream } from 'eventsource-parser/stream'
import { type Message, rawSession } from '../../helpers/mcp.ts'

/** A client that shows everything it is told, on the stream of its session and in the answers to what it asks. */
export interface WireClient extends AsyncDisposable {
  /** Everything so far, in the order it came, but the responses to its own requests. */
  readonly heard: readonly Message[]
  /** Resolves with the response. */
  ask(method: string, params?: unknown, id?: string | number): Promise<Message>
  tell(method: string, params?: unknown): Promise<void>
  answer(question: Message, result: unknown): Promise<void>
  /** The questions among what it heard. */
  questions(): readonly Message[]
}

/** Its session's stream is open when this resolves. */
export async function wireClient(url: string, capabilities: Record<string, unknown> = {}): Promise<WireClient> {
  const session = await rawSession(url, { capabilities })
  const closing = new AbortController()
  const heard: Message[] = []
  const headers = { accept: 'text/event-stream', 'mcp-session-id': session.id }
  const stream = await fetch(url, { headers, signal: closing.signal })
  const reading = read(stream, (message) => heard.push(message)).catch(() => {})
  let asked = 0
  const post = async (body: object) => void (await session.send({ jsonrpc: '2.0', ...body })).body?.cancel()
  return {
    heard,
    async ask(method, params, id = `ask-${++asked}`) {
      let answer: Message | undefined
      const response = await session.send({ jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) })
      await read(response, (message) => {
        if (message.id === id && message.method === undefined) answer = message
        else heard.push(message)
      })
      return answer ?? {}
    },
    tell: (method, params = {}) => post({ method, params }),
    answer: ({ id }, result) => post({ id, result }),
    questions: () => heard.filter(({ id, method }) => id !== undefined && method !== undefined),
    async [Symbol.asyncDispose]() {
      await fetch(url, { method: 'DELETE', headers })
      closing.abort()
      await reading
    },
  }
}

async function read(response: Response, take: (message: Message) => void): Promise<void> {
  if (response.headers.get('content-type') === 'application/json') return take((await response.json()) as Message)
  if (!response.body) return
  const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())
  for await (const { data } of events) if (data !== '') take(JSON.parse(data))
}

/** The text of a tool's result, or its error's message. */
export function textOf({ result, error }: Message): string {
  const [first] = [result?.content].flat() as { text?: string }[]
  return first?.text ?? error?.message ?? ''
}
