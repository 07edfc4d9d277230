import { randomUUID } from 'node:crypto'
import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { groupOf, stdioServer } from '../helpers/group.ts'
import { connect, type Message, rawSession } from '../helpers/mcp.ts'
import { type HeldSocket, holdSocket, type RunningProxy, startReadyProxy } from '../helpers/proxy.ts'

/** A hundred thousand calls take a minute: that is for the soak. */
const ROUNDS = process.env.SOAK ? 10 : 1

let socket: HeldSocket
let proxy: RunningProxy

beforeAll(async () => {
  socket = await holdSocket()
  proxy = await startReadyProxy({ group: groupOf([stdioServer('a', 'all-features')]), socket })
})

afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  socket[Symbol.dispose]()
})

test('D-12: clients with the same ids and tokens at the same time never get each other’s answers', async () => {
  using agent = lastingAgent()
  const sessions = await Promise.all(Array.from({ length: 100 }, () => rawSession(`${proxy.url}/mcp`)))
  const mismatches: unknown[] = []
  const exchange = async (session: string, id: number) => {
    const nonce = randomUUID()
    const params = { name: 'a_echo', arguments: { nonce }, _meta: { progressToken: id } }
    const answer = await agent.post(session, { jsonrpc: '2.0', id, method: 'tools/call', params })
    if (!answer.includes(`"id":${id}`) || !answer.includes(nonce)) mismatches.push({ id, nonce, answer })
  }
  const each = async ({ id: session }: (typeof sessions)[number]) => {
    for (let id = 0; id < 100; id += 2) await Promise.all([exchange(session, id), exchange(session, id + 1)])
  }
  for (let round = 0; round < ROUNDS; round++) await Promise.all(sessions.map(each))
  expect(mismatches).toEqual([])
}, 180_000)

/** Cheaper than `fetch`, of which ten thousand calls take longer than the proxy does. */
function lastingAgent() {
  const agent = new Agent({ keepAlive: true, maxSockets: 200 })
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  const post = (session: string, body: unknown) =>
    new Promise<string>((resolve, reject) => {
      const options = { method: 'POST', agent, headers: { ...headers, 'mcp-session-id': session } }
      const asked = request(`${proxy.url}/mcp`, options, (response) => void text(response).then(resolve, reject))
      asked.on('error', reject).end(JSON.stringify(body))
    })
  return { post, [Symbol.dispose]: () => agent.destroy() }
}

test('progress goes to the call that asked for it, under the token it gave, number or text', async () => {
  const sessions = await Promise.all(Array.from({ length: 6 }, () => rawSession(`${proxy.url}/mcp`)))
  const tokens = [1, '1', 'x', 0, 1, '']
  const answers = await Promise.all(
    sessions.map((session, i) =>
      session.ask('tools/call', { name: 'a_progress', _meta: { progressToken: tokens[i] } }),
    ),
  )
  const seen = answers.map((all) => all.filter(({ method }) => method === 'notifications/progress').map(tokenOf))
  expect(seen).toEqual(tokens.map((token) => [token, token, token]))
})

function tokenOf({ params }: Message): unknown {
  return params?.progressToken
}

test('D-11: a client that hangs up does not cancel its call', async () => {
  await using one = await connect(`${proxy.url}/mcp`)
  const textOf = async (name: string) => JSON.stringify((await one.client.callTool({ name })).content)
  const before = await textOf('a_cancelled')
  const session = await rawSession(`${proxy.url}/mcp`)
  const gone = new AbortController()
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'a_slow' } }
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-session-id': session.id,
  }
  const asked = fetch(`${proxy.url}/mcp`, {
    method: 'POST',
    headers,
    body: JSON.stringify(call),
    signal: gone.signal,
  })
  await session.ask('ping')
  gone.abort()
  await expect(asked).rejects.toThrow()
  expect(await textOf('a_cancelled')).toBe(before)
})

test('a client of both eras is served in the modern one', async () => {
  const client = new ModernClient({ name: 'both', version: '1' }, { versionNegotiation: { mode: 'auto' } })
  await client.connect(new ModernTransport(new URL(`${proxy.url}/mcp`)))
  try {
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('a_echo')
    const result = await client.callTool({ name: 'a_echo', arguments: { x: 1 } })
    expect(result.content).toEqual([{ type: 'text', text: '{"x":1}' }])
  } finally {
    await client.close()
  }
})

test('a client of the second SDK generation works as it is', async () => {
  const client = new ModernClient({ name: 'second', version: '1' })
  await client.connect(new ModernTransport(new URL(`${proxy.url}/servers/a/mcp`)))
  try {
    expect((await client.getPrompt({ name: 'greet', arguments: { who: 'you' } })).messages).toHaveLength(1)
    expect((await client.readResource({ uri: 'note://1' })).contents).toHaveLength(1)
    await expect(client.callTool({ name: 'fail' })).rejects.toMatchObject({ code: -32050, message: 'boom' })
  } finally {
    await client.close()
  }
})
