import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import type { Server } from '../../../src/config/profile.ts'
import { type ChaosScript, chaosCommand } from '../../helpers/chaos.ts'
import { groupOf, serverOf } from '../../helpers/group.ts'
import { rawSession } from '../../helpers/mcp.ts'
import { holdSocket, startProxy } from '../../helpers/proxy.ts'
import { waitFor } from '../../helpers/wait.ts'
import { textOf, type WireClient, wireClient } from '../sessions/wire.ts'
import { ANSWERED, inFrontOf, scripted, tool } from './scripted.ts'

/** Not the letters they look like. */
const HOMOGLYPH = 'раypal'

function chaotic(name: string, script: ChaosScript, fields: Partial<Server> = {}): Server {
  const transport = { kind: 'stdio', ...chaosCommand(script), env: {}, cwd: '/' } as const
  return serverOf(name, { transport, ...fields })
}

test('U-20: names that are listed twice, too long, or look like others are shown the same every time, and lead to their own', async () => {
  const long = 'x'.repeat(129)
  const names = ['twin', 'twin', long, HOMOGLYPH, 'paypal']
  await using server = await scripted({
    'tools/list': () => ({ tools: names.map((name, nth) => tool(name, { nth })) }),
    'tools/call': ({ params }) => ({ content: [], called: params?.name }),
  })
  await using at = await inFrontOf({ s: server })
  const session = await rawSession(at.url)
  const listed = async () => (await session.ask('tools/list'))[0]?.result?.tools as { name: string; nth: number }[]
  const first = await listed()
  expect(await listed()).toEqual(first)
  expect(first.map(({ nth }) => nth)).toEqual([0, 1, 2, 3, 4])
  const [, , cut = { name: '' }] = first
  expect(cut.name).toMatch(/^s_x+_[0-9a-f]{6}$/)
  expect(cut.name).toHaveLength(64)
  const calls = [cut.name, `s_${HOMOGLYPH}`, 's_paypal', 's_twin'].map(async (name) => {
    const [answer] = await session.ask('tools/call', { name, arguments: {} })
    return answer?.result?.called
  })
  expect(await Promise.all(calls)).toEqual([long, HOMOGLYPH, 'paypal', 'twin'])
  expect(at.proxy.log.filter((line) => line.includes('a list has two of one name'))).toHaveLength(1)
})

test('U-27: no schema is compiled, matched or fetched: calls of tools with hostile ones are as quick as any', async () => {
  let fetched = 0
  const metadata = createServer((_request, response) => {
    fetched++
    response.end('{}')
  })
  metadata.listen(0, '127.0.0.1')
  await once(metadata, 'listening')
  const { port } = metadata.address() as AddressInfo
  const properties = { text: { type: 'string', pattern: '^(a+)+$' } }
  const inputSchema = { type: 'object', properties }
  const anyOf = Array.from({ length: 2000 }, (_, nth) => ({ properties: { [`p${nth}`]: { const: nth } } }))
  const away = { $ref: `http://127.0.0.1:${port}/schema` }
  const tools = [
    { name: 'redos', inputSchema, outputSchema: inputSchema },
    { name: 'any', inputSchema: { type: 'object', anyOf } },
    { name: 'away', inputSchema: { type: 'object', ...away }, outputSchema: { type: 'object', ...away } },
  ]
  const text = `${'a'.repeat(28)}!`
  await using server = await scripted({
    'tools/list': () => ({ tools }),
    'tools/call': () => ({ content: [], structuredContent: { text } }),
  })
  await using at = await inFrontOf({ s: server })
  const { ask } = await rawSession(at.url)
  const begin = performance.now()
  for (const { name } of tools) {
    const [answer] = await ask('tools/call', { name: `s_${name}`, arguments: { text } })
    expect(answer?.result?.structuredContent).toEqual({ text })
  }
  // Matching the text against that pattern once would take ten seconds.
  expect(performance.now() - begin).toBeLessThan(5000)
  const [listed] = await ask('tools/list')
  expect(listed?.result?.tools).toMatchObject(tools.map(({ name, ...rest }) => ({ name: `s_${name}`, ...rest })))
  expect(fetched).toBe(0)
  metadata.close()
})

test('U-27: a schema nested 5,000 deep costs its server its list, and nobody else anything', async () => {
  const deep = `${'{"items":'.repeat(5000)}{}${'}'.repeat(5000)}`
  await using server = await scripted({
    'tools/list': ({ id }, { response }) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const tools = `[{"name":"go","inputSchema":{"type":"object","properties":${deep}}}]`
      response.end(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"tools":${tools}}}`)
      return ANSWERED
    },
  })
  await using other = await scripted()
  await using at = await inFrontOf({ s: server, o: other }, {}, { listWait: 300, isReady: false })
  const { ask } = await rawSession(at.url)
  await waitFor(async () => JSON.stringify(await ask('tools/list')).includes('o_go'))
  expect((await ask('tools/call', { name: 'o_go', arguments: {} }))[0]?.result).toEqual({ content: [] })
  await waitFor(() => at.proxy.log.some((line) => line.includes('nested too deeply')))
})

const question = { method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } }

test('U-39: what a client cannot do is refused to the server, and asked of no other client', async () => {
  const socket = await holdSocket()
  await using proxy = await startProxy({ group: groupOf([chaotic('s', {})]), socket })
  const url = `${proxy.url}/mcp`
  await using able = await wireClient(url, { sampling: {} })
  await using unable = await wireClient(url, {})
  const answer = await unable.ask('tools/call', { name: 's_ask', arguments: question })
  expect(JSON.parse(textOf(answer))).toMatchObject({ code: expect.any(Number), message: expect.any(String) })
  expect([...able.questions(), ...unable.questions()]).toEqual([])
  socket[Symbol.dispose]()
})

const late = { on: 'tools/call:ask', nth: 1, delay: 400 } as const

/** A call taken back while the server is certainly at it, which it answers all the same. */
async function showsThatItGoesOn(one: WireClient, other: WireClient): Promise<void> {
  let isCertain = false
  for (let ms = 300; !isCertain; ms *= 2) {
    const begin = performance.now()
    const reason = `after ${ms}`
    const call = one.ask('tools/call', { name: 's_slow', arguments: { ms } }, ms)
    await waitFor(async () => {
      await one.tell('notifications/cancelled', { requestId: ms, reason })
      return textOf(await other.ask('tools/call', { name: 's_cancelled' })).includes(reason)
    })
    isCertain = performance.now() - begin < ms / 2
    await call
    await other.ask('tools/call', { name: 's_slow', arguments: { ms } })
  }
}

test.each([
  ['does not say that it has read so', [{ on: 'ping', never: true }, late], false],
  ['was seen to go on with what is cancelled', [late], true],
] as const)(
  'U-39: what is asked of a client that has left is asked of no other, by a server that %s',
  async (_what, on, isSeen) => {
    using socket = await holdSocket()
    await using proxy = await startProxy({ group: groupOf([chaotic('s', { on })]), socket })
    const url = `${proxy.url}/mcp`
    await using other = await wireClient(url, { sampling: {} })
    const leaving = await wireClient(url, { sampling: {} })
    if (isSeen) await showsThatItGoesOn(leaving, other)
    const asked = leaving.ask('tools/call', { name: 's_ask', arguments: question }).catch(() => {})
    await waitFor(
      async () => textOf(await other.ask('tools/call', { name: 's_echo', arguments: { text: 'x' } })) === 'x',
    )
    await leaving[Symbol.asyncDispose]()
    await asked
    const slow = await other.ask('tools/call', { name: 's_slow', arguments: { ms: 800 } })
    expect([textOf(slow), other.questions()]).toEqual(['done', []])
  },
)

test('U-39: what is asked of a client that only lost its connection is asked of no other client', async () => {
  using socket = await holdSocket()
  await using proxy = await startProxy({ group: groupOf([chaotic('s', { on: [late] })]), socket })
  const url = `${proxy.url}/mcp`
  await using other = await wireClient(url, { sampling: {} })
  const { id } = await rawSession(url, { capabilities: { sampling: {} } })
  const cut = new AbortController()
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-session-id': id,
  }
  const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 's_ask', arguments: question } }
  const asked = fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal: cut.signal })
  const over = asked.then((response) => response.text()).catch(() => {})
  await waitFor(async () => textOf(await other.ask('tools/call', { name: 's_echo', arguments: { text: 'x' } })) === 'x')
  cut.abort()
  await over
  const slow = await other.ask('tools/call', { name: 's_slow', arguments: { ms: 800 } })
  expect([textOf(slow), other.questions()]).toEqual(['done', []])
})

test('U-01 U-14: of ten servers one that crashes again and again and one that is silent leave the others and the proxy alone', async () => {
  const socket = await holdSocket()
  const restart = { policy: 'always', backoff: 1, maxBackoff: 30_000 } as const
  const servers = [
    chaotic('crashing', { exit: 1 }, { restart }),
    chaotic('silent', { on: [{ on: 'initialize', never: true }] }, { timeouts: { ...timeouts, connect: 300 } }),
    ...Array.from({ length: 8 }, (_, nth) => chaotic(`sound${nth}`, {})),
  ]
  await using proxy = await startProxy({ group: groupOf(servers, { listWait: 500 }), socket })
  const stateOf = (name: string) => proxy.status()?.servers.find((server) => server.name === name)
  await waitFor(() => proxy.status()?.state === 'degraded')
  await waitFor(() => stateOf('crashing')?.lastError?.startsWith('circuit open after 5 ends within a minute'), 20_000)
  const pids = proxy
    .status()
    ?.servers.slice(2)
    .map(({ pid }) => pid)
  const { ask } = await rawSession(`${proxy.url}/mcp`)
  for (let nth = 0; nth < 8; nth++) {
    const [answer] = await ask('tools/call', { name: `sound${nth}_echo`, arguments: { text: 'hi' } })
    expect(textOf(answer ?? {})).toBe('hi')
  }
  const [refusal] = await ask('tools/call', { name: 'crashing_echo', arguments: {} })
  expect(refusal?.error).toBeDefined()
  expect(
    proxy
      .status()
      ?.servers.slice(2)
      .map(({ pid, restarts }) => [pid, restarts]),
  ).toEqual(pids?.map((pid) => [pid, 0]))
  expect([stateOf('crashing')?.state, stateOf('crashing')?.restarts]).toEqual(['backoff', 4])
  socket[Symbol.dispose]()
})

const { timeouts } = serverOf('any')
