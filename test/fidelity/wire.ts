import { createParser } from 'eventsource-parser'
import { Agent, request } from 'undici'
import type { Json } from './mirror.ts'

/** The answer to one POST: its status, its session and its messages as they come, whether JSON or events. */
export interface Posted {
  readonly status: number
  readonly session: string | undefined
  readonly messages: AsyncIterable<Json>
}

export interface Post {
  readonly url: string
  readonly body: Json
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** HTTP as plain as it gets, over connections that are kept: nothing between a test and what is on the wire. */
export class Wire implements AsyncDisposable {
  readonly #agent = new Agent({ keepAliveTimeout: 60_000, headersTimeout: 0, bodyTimeout: 0 })

  async post({ url, body, headers = {}, signal }: Post): Promise<Posted> {
    const response = await request(url, {
      method: 'POST',
      dispatcher: this.#agent,
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
      body: JSON.stringify(body),
      ...(signal && { signal }),
    })
    const type = String(response.headers['content-type'])
    const messages = type.startsWith('text/event-stream') ? events(response.body) : whole(response.body)
    return { status: response.statusCode, session: textOf(response.headers['mcp-session-id']), messages }
  }

  /** The stream of messages that belong to no request; ends with the signal. */
  async listen(
    url: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Json>> {
    const accept = 'text/event-stream'
    const response = await request(url, { dispatcher: this.#agent, headers: { accept, ...headers }, signal })
    return events(response.body)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#agent.destroy()
  }
}

async function* events(body: AsyncIterable<Buffer>): AsyncGenerator<Json> {
  const found: Json[] = []
  const parser = createParser({ onEvent: ({ data }) => void (data !== '' && found.push(JSON.parse(data))) })
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  for await (const chunk of body) {
    parser.feed(decoder.decode(chunk, { stream: true }))
    yield* found.splice(0)
  }
}

async function* whole(body: AsyncIterable<Buffer>): AsyncGenerator<Json> {
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString()
  if (text !== '') yield JSON.parse(text)
}

function textOf(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0]
}
