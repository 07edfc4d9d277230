import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { asError, McpctlError } from '../shared/errors.ts'
import { readBody } from './body.ts'
import type { LogQuery } from './client.ts'
import { toLine } from './ndjson.ts'
import { type Answers, type Bodies, type ControlEvent, type LogRecord, type RouteName, routes } from './protocol.ts'

/** What the supervisor offers: one function per route. */
export type ControlApi = {
  readonly [R in keyof Answers]: (
    ...body: R extends keyof Bodies ? [Bodies[R]] : []
  ) => Answers[R] | Promise<Answers[R]>
} & {
  /** Ends when the signal aborts, which is when the asker has gone. */
  readonly events: (signal: AbortSignal) => AsyncIterable<ControlEvent>
  readonly logs: (query: LogQuery, signal: AbortSignal) => AsyncIterable<LogRecord>
}

/** A wish carries a whole environment, nothing else is large. */
const MAX_BODY = 4 * 1024 * 1024

/** The supervisor's end of the control API, not listening yet: who binds the socket holds the project's lock. */
export function createControlServer(api: ControlApi): Server {
  const handlers = handlersOf(api)
  return createServer((request, response) => {
    handle(handlers, request, response).catch((error) => refuse(response, error))
  })
}

interface Call {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
}

type Handler = (call: Call) => Promise<void>

function handlersOf(api: ControlApi) {
  return {
    status: async ({ response }) => answer(response, await api.status()),
    apply: async (call) => answer(call.response, await api.apply(readBody.apply(await json(call.request)))),
    plan: async (call) => answer(call.response, await api.plan(readBody.plan(await json(call.request)))),
    reload: async (call) => answer(call.response, await api.reload(readBody.reload(await json(call.request)))),
    rollback: async (call) => answer(call.response, await api.rollback(readBody.rollback(await json(call.request)))),
    restart: async (call) => answer(call.response, await api.restart(readBody.restart(await json(call.request)))),
    start: async (call) => answer(call.response, await api.start(readBody.start(await json(call.request)))),
    stop: async (call) => answer(call.response, await api.stop(readBody.stop(await json(call.request)))),
    down: async ({ response }) => answer(response, await api.down()),
    events: ({ response }) => stream(response, (signal) => api.events(signal)),
    logs: ({ response, url }) => stream(response, (signal) => api.logs(logQuery(url.searchParams), signal)),
  } as const satisfies Record<RouteName, Handler>
}

async function handle(handlers: Record<RouteName, Handler>, request: IncomingMessage, response: ServerResponse) {
  const url = new URL(request.url ?? '/', 'http://mcpctl')
  const name = routeOf(request.method, url.pathname)
  if (!name) throw new McpctlError('usage', `there is no ${request.method} ${url.pathname} in the control API`)
  await handlers[name]({ request, response, url })
}

function routeOf(method: string | undefined, path: string): RouteName | undefined {
  const names = Object.keys(routes) as RouteName[]
  return names.find((name) => routes[name].method === method && routes[name].path === path)
}

async function json(request: IncomingMessage): Promise<unknown> {
  request.setEncoding('utf8')
  let text = ''
  for await (const chunk of request) {
    text += chunk
    if (text.length > MAX_BODY) throw new McpctlError('usage', `the request's body is larger than ${MAX_BODY} bytes`)
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new McpctlError('usage', "the request's body is not JSON", { cause })
  }
}

function logQuery(parameters: URLSearchParams): LogQuery {
  const group = parameters.get('group')
  const server = parameters.get('server')
  const tail = Number(parameters.get('tail') ?? 100)
  if (!Number.isInteger(tail) || tail < 0) throw new McpctlError('usage', `tail is not a number of records: ${tail}`)
  const follow = parameters.get('follow') === 'true'
  return { ...(group === null ? {} : { group }), ...(server === null ? {} : { server }), tail, follow }
}

function answer(response: ServerResponse, body: unknown): void {
  const text = JSON.stringify(body)
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text)
}

/** Writes as fast as the reader reads; what is behind the iterable bounds what may wait meanwhile. */
async function stream(response: ServerResponse, open: (signal: AbortSignal) => AsyncIterable<unknown>): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const values = open(gone.signal)
  response.writeHead(200, { 'content-type': 'application/x-ndjson' }).flushHeaders()
  for await (const value of values) {
    if (!response.write(toLine(value))) await once(response, 'drain', { signal: gone.signal })
  }
  response.end()
}

function refuse(response: ServerResponse, thrown: unknown): void {
  // A stream has begun with 200: it can only be cut, and a reader that has gone cannot be told.
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const error = asError(thrown)
  const text = JSON.stringify({ error })
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), connection: 'close' }
  response.writeHead(error.status, headers).end(text)
}
