import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Server } from '../../../src/config/profile.ts'
import { groupOf, serverOf } from '../../helpers/group.ts'
import type { Message } from '../../helpers/mcp.ts'
import { holdSocket, startProxy, startReadyProxy } from '../../helpers/proxy.ts'
import { serve } from '../../helpers/serve.ts'

/** One request as the scripted server got it. */
interface Got {
  readonly verb: string
  readonly headers: IncomingMessage['headers']
  readonly message: Message | undefined
}

/** What a script may do with one request: return its result, or answer it itself, then `ANSWERED`. */
export type Script = Readonly<Record<string, (message: Message, way: Way) => unknown>>

export interface Way {
  readonly headers: IncomingMessage['headers']
  readonly response: ServerResponse
  /** One event on the stream of this answer. */
  event(message: object, id?: string): void
  /** The response as an event, the stream's last. */
  last(result: object): void
}

export const ANSWERED = Symbol('answered')

/** A Streamable HTTP server of the legacy era that does what each test tells it to, and shows all it got. */
export async function scripted(script: Script = {}, greeting: Record<string, unknown> = {}) {
  const got: Got[] = []
  const methods: Script = {
    initialize: (_message, { response }) => {
      response.setHeader('mcp-session-id', randomUUID())
      const serverInfo = { name: 'scripted', version: '1' }
      return { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo, ...greeting }
    },
    'tools/list': () => ({ tools: [tool('go')] }),
    'tools/call': () => ({ content: [] }),
    GET: (_message, { response }) => end(response, 405),
    DELETE: (_message, { response }) => end(response, 200),
    ...script,
  }
  async function act(response: ServerResponse, request: IncomingMessage): Promise<unknown> {
    const { method: verb = '', headers } = request
    const message = verb === 'POST' ? await read(request) : undefined
    got.push({ verb, headers, message })
    const answer = methods[message ? (message.method ?? 'response') : verb]
    if (message && !answer) return isAsked(message) ? refuse(response, message) : end(response, 202)
    const result = await answer?.(message ?? {}, wayOf(response, headers, message))
    if (result === ANSWERED) return undefined
    return message && !isAsked(message) ? end(response, 202) : json(response, { id: message?.id, result })
  }

  const served = await serve((response, _pulse, request) => void act(response, request))
  return {
    url: `${served.url}/mcp`,
    got,
    /** What it was asked or told under this method. */
    heard: (method: string) => got.flatMap(({ message }) => (message?.method === method ? [message] : [])),
    [Symbol.asyncDispose]: () => served[Symbol.asyncDispose](),
  }
}

export function tool(name: string, fields: object = {}) {
  return { name, inputSchema: { type: 'object' }, ...fields }
}

/** The built proxy in front of these servers over HTTP, once they are ready unless told otherwise. */
export async function inFrontOf(
  servers: Readonly<Record<string, { url: string }>>,
  fields: Partial<Server> = {},
  { listWait = 5000, isReady = true } = {},
) {
  const socket = await holdSocket()
  const transport = (url: string) => ({ kind: 'http', url, headers: {} }) as const
  const defined = Object.entries(servers).map(([name, { url }]) =>
    serverOf(name, { transport: transport(url), protocol: 'legacy', ...fields }),
  )
  const group = groupOf(defined, { listWait })
  const proxy = await (isReady ? startReadyProxy : startProxy)({ group, socket })
  return {
    proxy,
    group,
    url: `${proxy.url}/mcp`,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      socket[Symbol.dispose]()
    },
  }
}

export function end(response: ServerResponse, status: number): typeof ANSWERED {
  response.writeHead(status).end()
  return ANSWERED
}

export function json(response: ServerResponse, message: object, status = 200): typeof ANSWERED {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ jsonrpc: '2.0', ...message }))
  return ANSWERED
}

function refuse(response: ServerResponse, { id, method }: Message): void {
  json(response, { id, error: { code: -32601, message: `no ${method}` } })
}

function isAsked({ id, method }: Message): boolean {
  return id !== undefined && method !== undefined
}

function wayOf(response: ServerResponse, headers: Way['headers'], message: Message | undefined): Way {
  const event = (one: object, id?: string): void => {
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(`${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify({ jsonrpc: '2.0', ...one })}\n\n`)
  }
  const last = (result: object): void => {
    event({ id: message?.id, result })
    response.end()
  }
  return { response, headers, event, last }
}

async function read(request: IncomingMessage): Promise<Message> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return JSON.parse(Buffer.concat(chunks).toString()) as Message
}
