import type { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import type { HttpTransport } from '../../config/profile.ts'
import { messageOf } from '../../shared/errors.ts'
import type { RpcMessage } from '../rpc.ts'
import { LinkFailure } from './failure.ts'
import type { Link, LinkEvents } from './link.ts'

export interface SseOptions {
  readonly transport: HttpTransport
  readonly signal: AbortSignal
  readonly events: LinkEvents
}

/** HTTP+SSE of 2024-11-05, through the SDK's client, which is loaded only when a server needs it. */
export async function openSse({ transport, signal, events }: SseOptions): Promise<Link> {
  const { SSEClientTransport } = await import('@modelcontextprotocol/sdk/client/sse.js')
  const client = new SSEClientTransport(new URL(transport.url), { requestInit: { headers: { ...transport.headers } } })
  const link = new SseLink(client, events)
  const giveUp = (): void => void client.close()
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    await Promise.race([client.start(), aborted(signal)])
    return link
  } catch (error) {
    await link.close()
    const failure = failureOf(error)
    throw failure.kind === 'session' ? new LinkFailure('unsuitable', 'no HTTP+SSE at this URL: HTTP 404') : failure
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** The event source would reconnect by itself, but to a new session that knows nothing: an error is the end. */
class SseLink implements Link {
  readonly transport = 'sse'
  readonly pid = null
  readonly #client: SSEClientTransport
  readonly #events: LinkEvents
  #over = false

  constructor(client: SSEClientTransport, events: LinkEvents) {
    this.#client = client
    this.#events = events
    client.onmessage = (message) => events.received(message, undefined)
    client.onclose = () => this.#lose(new LinkFailure('ended', 'the event stream ended'))
    client.onerror = (error) => {
      // What `send` reports reaches its caller too; the stream's own errors end the link, an unreadable message does not.
      if ('event' in error) this.#lose(failureOf(error))
      else if (isUnreadable(error)) events.spoiled(undefined, 'an event is no JSON-RPC message')
    }
  }

  async send(message: RpcMessage, signal?: AbortSignal): Promise<void> {
    if (this.#over) throw new LinkFailure('ended', 'the event stream ended')
    signal?.throwIfAborted()
    try {
      // The relay's messages are open records; the SDK's type is the same shape, closed.
      await this.#client.send(message as Parameters<SSEClientTransport['send']>[0])
    } catch (error) {
      throw failureOf(error)
    }
  }

  agreed(protocolVersion: string): void {
    this.#client.setProtocolVersion(protocolVersion)
  }

  async listen(): Promise<void> {}

  async close(): Promise<void> {
    this.#over = true
    await this.#client.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #lose(failure: LinkFailure): void {
    if (this.#over) return
    this.#over = true
    this.#events.lost(failure)
    void this.#client.close()
  }
}

/** What the SDK's parser and its schema throw. */
function isUnreadable(error: Error): boolean {
  return error instanceof SyntaxError || error.name === 'ZodError'
}

function failureOf(error: unknown): LinkFailure {
  if (error instanceof LinkFailure) return error
  const status = statusOf(error)
  const detail = { cause: error }
  if (status === 401 || status === 403) {
    const hint = 'set "headers" with valid credentials'
    return new LinkFailure(status === 401 ? 'unauthorized' : 'forbidden', `not authorized: HTTP ${status}`, {
      hint,
      cause: error,
    })
  }
  if (status === 404) return new LinkFailure('session', 'the server forgot the session', detail)
  if (status !== undefined) return new LinkFailure('unreachable', `HTTP ${status}`, detail)
  return new LinkFailure('unreachable', 'the event stream failed', detail)
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'number') return error.code
  const found = /HTTP (\d{3})/.exec(messageOf(error))
  return found ? Number(found[1]) : undefined
}
