import { createServer, type ServerResponse } from 'node:http'
import { freePort } from '../helpers/ports.ts'
import type { Json } from './mirror.ts'
import { type Posted, Wire } from './wire.ts'

/** A hop that spoils what passes: proof that the comparison would see it. */
export interface Spoiling {
  readonly toServer?: (message: Json) => Json
  readonly toClient?: (message: Json) => Json
}

export interface Hop extends AsyncDisposable {
  readonly url: string
}

const kept = ['mcp-session-id', 'mcp-protocol-version', 'mcp-method', 'mcp-name', 'mcp-param-region']

/** Streamable HTTP in front of `target`, message by message. */
export async function startHop(target: string, { toServer = same, toClient = same }: Spoiling): Promise<Hop> {
  const wire = new Wire()
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = toServer(JSON.parse(Buffer.concat(chunks).toString()))
    const headers = kept.flatMap((name) => (name in request.headers ? [[name, String(request.headers[name])]] : []))
    await relay(await wire.post({ url: target, body, headers: Object.fromEntries(headers) }), response, toClient)
  })
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await wire[Symbol.asyncDispose]()
    },
  }
}

async function relay({ status, session, messages }: Posted, response: ServerResponse, spoil: (message: Json) => Json) {
  if (session !== undefined) response.setHeader('mcp-session-id', session)
  if (status === 202) return response.writeHead(202).end()
  response.writeHead(status, { 'content-type': 'text/event-stream' })
  for await (const message of messages) response.write(`data: ${JSON.stringify(spoil(message))}\n\n`)
  return response.end()
}

function same(message: Json): Json {
  return message
}
