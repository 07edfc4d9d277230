import type { IncomingMessage } from 'node:http'
import { type ErrorDocument, fromDocument, McpctlError, messageOf } from '../shared/errors.ts'
import { parseLines } from './ndjson.ts'
import {
  type Answers,
  type Bodies,
  type ControlEvent,
  type LogRecord,
  type Refusal,
  type RouteName,
  routes,
} from './protocol.ts'

export interface LogQuery {
  readonly group?: string
  readonly server?: string
  /** Newest records first sent; default 100. */
  readonly tail?: number
  readonly follow?: boolean
}

/** The status and the beginning of a stream are at hand: a supervisor that keeps them longer hangs. */
const PROMPT_MS = 5_000

/** Applying may run the commands that secrets come from, and ending everything takes its grace. */
const WORK_MS = 180_000

/**
 * The CLI's end of the control API. Every call throws McpctlError `unreachable` when no supervisor answers, soon when
 * nobody listens, after a deadline when somebody does (`isSilence`).
 */
export class ControlClient {
  readonly socket: string

  constructor(socket: string) {
    this.socket = socket
  }

  async ask<R extends RouteName & keyof Answers>(
    route: R,
    ...[body]: R extends keyof Bodies ? [Bodies[R]] : []
  ): Promise<Answers[R]> {
    const deadline = route === 'status' ? PROMPT_MS : WORK_MS
    const answer = await this.#open({ route, body, query: '', deadline, signal: undefined })
    return JSON.parse(await text(answer))
  }

  /** The first event is the present status. Ends when the supervisor does, or when the signal aborts. */
  async *events(signal: AbortSignal): AsyncGenerator<ControlEvent> {
    yield* this.#stream<ControlEvent>({ route: 'events', query: '', signal })
  }

  /** Oldest first. Ends after the newest record unless `follow` is set, then as `events` does. */
  async *logs(query: LogQuery, signal: AbortSignal): AsyncGenerator<LogRecord> {
    yield* this.#stream<LogRecord>({ route: 'logs', query: queryString(query), signal })
  }

  async *#stream<T>({ route, query, signal }: StreamCall): AsyncGenerator<T> {
    const answer = await this.#open({ route, query, signal, body: undefined, deadline: PROMPT_MS })
    answer.setEncoding('utf8')
    try {
      // What the peer on a 0600 socket writes is taken as the protocol says: both ends are one package.
      for await (const value of parseLines(answer)) {
        if (signal.aborted) return
        yield value as T
      }
    } catch (error) {
      // A supervisor that ended, however, and a caller that had enough are the two regular ends of a stream.
      if (!signal.aborted && !isLost(error)) throw error
    } finally {
      answer.destroy()
    }
  }

  async #open(call: Call): Promise<IncomingMessage> {
    const answer = await this.#send(call)
    if (answer.statusCode === 200) return answer
    throw fromDocument(refusal(await text(answer), answer.statusCode ?? 0))
  }

  async #send({ route, body, query, deadline, signal }: Call): Promise<IncomingMessage> {
    // Not every command asks.
    const { request } = await import('node:http')
    const { method, path } = routes[route]
    const headers = { host: 'mcpctl', 'content-type': 'application/json' }
    // A server's name is for TLS; to find out that there is none, Node would compile a large pattern.
    const options = { socketPath: this.socket, method, path: path + query, headers, agent: false, servername: '' }
    return new Promise((resolve, reject) => {
      const outgoing = request({ ...options, ...(signal && { signal }) }, (answer) => {
        clearTimeout(timer)
        resolve(answer)
      })
      const timer = setTimeout(() => outgoing.destroy(silence(deadline)), deadline)
      outgoing.once('error', (error) => {
        clearTimeout(timer)
        reject(isSilence(error) ? error : unreachable(error))
      })
      outgoing.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }
}

interface StreamCall {
  readonly route: RouteName
  readonly query: string
  readonly signal: AbortSignal
}

interface Call {
  readonly route: RouteName
  readonly query: string
  readonly body: unknown
  /** Until the answer begins, in milliseconds. */
  readonly deadline: number
  readonly signal: AbortSignal | undefined
}

function queryString(query: LogQuery): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) parameters.set(name, String(value))
  return `?${parameters}`
}

async function text(answer: IncomingMessage): Promise<string> {
  answer.setEncoding('utf8')
  let body = ''
  try {
    for await (const chunk of answer) body += chunk
  } catch (error) {
    throw unreachable(error)
  }
  return body
}

function refusal(body: string, status: number): ErrorDocument {
  try {
    const { error }: Refusal = JSON.parse(body)
    return error
  } catch (cause) {
    throw new McpctlError('unexpected', `the supervisor answered ${status} without an error document`, { cause })
  }
}

function unreachable(error: unknown): McpctlError {
  if (isLost(error)) return new McpctlError('unreachable', 'the supervisor ended before it answered', { cause: error })
  const message = isAbsence(error) ? 'no supervisor is running' : `no supervisor answers: ${messageOf(error)}`
  return new McpctlError('unreachable', message, { hint: 'start one with `mcpctl up`', cause: error })
}

/** Somebody listens and does not answer: not the same as nobody there, for whom another could be started. */
export function isSilence(error: unknown): boolean {
  return error instanceof McpctlError && error.cause instanceof Silence
}

class Silence extends Error {
  override readonly name = 'Silence'
}

function silence(deadline: number): McpctlError {
  return new McpctlError('unreachable', `the supervisor has not answered for ${deadline / 1000} s`, {
    hint: 'end its process (`ps` shows it as supervisor.js or mcpctl up), then `mcpctl down` ends what it left behind',
    cause: new Silence(),
  })
}

function isLost(error: unknown): boolean {
  return codeOf(error) === 'ECONNRESET'
}

/** There is no socket, or only one whose process has ended. */
function isAbsence(error: unknown): boolean {
  return codeOf(error) === 'ENOENT' || codeOf(error) === 'ECONNREFUSED'
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
