import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { serve } from './serve.ts'

export interface Fickle extends AsyncDisposable {
  readonly url: string
  /** How it answers from now on: at all, never, with an error where a list is asked for, or with this HTTP status. */
  mood: 'answers' | 'hangs' | 'lists nothing' | number
  /** What it lists from now on, under these names. */
  tools: string[]
  capabilities: Record<string, unknown>
  /** The methods it was asked, in order. */
  readonly asked: string[]
}

interface Request {
  readonly id?: number
  readonly method: string
  readonly params?: { readonly name?: string }
}

/** A legacy MCP server over HTTP in this process, for what a server may become between two starts of a proxy. */
export async function fickleServer(tools: readonly string[] = ['one', 'two']): Promise<Fickle> {
  const http = await serve((response, _pulse, request) => void answer(fickle, request, response))
  const fickle: Fickle = {
    url: `${http.url}/mcp`,
    mood: 'answers',
    tools: [...tools],
    capabilities: { tools: { listChanged: true } },
    asked: [],
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  }
  return fickle
}

async function answer(fickle: Fickle, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'POST') return void response.writeHead(405).end()
  const asked: Request = JSON.parse(await text(request))
  fickle.asked.push(asked.method)
  if (fickle.mood === 'hangs') return
  if (typeof fickle.mood === 'number') return void response.writeHead(fickle.mood).end()
  if (asked.id === undefined) return void response.writeHead(202).end()
  const body = JSON.stringify({ jsonrpc: '2.0', id: asked.id, ...resultOf(fickle, asked) })
  response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 'one' }).end(body)
}

function resultOf({ mood, tools, capabilities }: Fickle, { method, params }: Request): object {
  if (method === 'initialize') {
    const serverInfo = { name: 'fickle', version: '1' }
    return { result: { protocolVersion: '2025-11-25', capabilities, serverInfo, instructions: 'Be patient.' } }
  }
  if (method === 'tools/list' && mood === 'lists nothing') return { error: { code: -32603, message: 'Internal error' } }
  if (method === 'tools/list')
    return { result: { tools: tools.map((name) => ({ name, inputSchema: { type: 'object' }, zz: [null] })) } }
  if (method === 'tools/call') return { result: { content: [{ type: 'text', text: params?.name }] } }
  return { error: { code: -32601, message: 'Method not found' } }
}
