import type { IncomingMessage, ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { rawSession } from '../../helpers/mcp.ts'
import { serve } from '../../helpers/serve.ts'
import { inFrontOf } from '../pitfalls/scripted.ts'

const region = { type: 'string', 'x-mcp-header': 'Region' }
const tools = [
  { name: 'plain', inputSchema: { type: 'object' } },
  { name: 'routed', inputSchema: { type: 'object', properties: { region } } },
]
const fresh = { resultType: 'complete', ttlMs: 60_000, cacheScope: 'public' }
const results: Readonly<Record<string, object>> = {
  'server/discover': { ...fresh, supportedVersions: ['2026-07-28'], capabilities: { tools: {} } },
  'tools/list': { ...fresh, tools },
  'tools/call': { resultType: 'complete', content: [] },
}

/** A modern server that keeps the bodies of the calls it gets, and what of their heads repeats an argument. */
async function recorder() {
  const got: { readonly body: string; readonly region: unknown }[] = []
  async function act(response: ServerResponse, request: IncomingMessage): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString()
    const { id, method } = JSON.parse(body)
    if (method === 'tools/call') got.push({ body, region: request.headers['mcp-param-region'] })
    const result = results[method]
    response.writeHead(result ? 200 : 404, { 'content-type': 'application/json' })
    response.end(
      JSON.stringify({ jsonrpc: '2.0', id, ...(result ? { result } : { error: { code: -32601, message: '' } }) }),
    )
  }
  const served = await serve((response, _pulse, request) => void act(response, request))
  return { ...served, got, url: `${served.url}/mcp` }
}

test.each([
  ['goes on as it came where no head repeats any of it', 'plain', true],
  ['is written anew where a head does, so that both say the same', 'routed', false],
])('what a client says twice in large arguments %s', async (_what, tool, isKept) => {
  await using server = await recorder()
  await using at = await inFrontOf({ s: server }, { protocol: 'modern' })
  const { send } = await rawSession(at.url)
  const args = `{"region":"first","padding":"${'x'.repeat(5000)}","region":"last"}`
  const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"s_${tool}","arguments":${args}}}`
  const answer = await send(body)
  expect(await answer.json()).toEqual({ jsonrpc: '2.0', id: 1, result: { content: [] } })
  const [call] = server.got
  expect(call?.body.includes(args)).toBe(isKept)
  expect(JSON.parse(call?.body ?? '').params.arguments.region).toBe('last')
  expect(call?.region).toBe(isKept ? undefined : 'last')
})
