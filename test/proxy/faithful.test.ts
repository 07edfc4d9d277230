import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fixturePath } from '../helpers/fixture.ts'
import { groupOf, stdioServer } from '../helpers/group.ts'
import { rawSession } from '../helpers/mcp.ts'
import { type HeldSocket, holdSocket, type RunningProxy, startReadyProxy } from '../helpers/proxy.ts'

let socket: HeldSocket
let proxy: RunningProxy

beforeAll(async () => {
  socket = await holdSocket()
  const servers = [stdioServer('odd', 'unknown-fields', { prefix: '' }), stdioServer('other', 'echo')]
  proxy = await startReadyProxy({ group: groupOf(servers), socket })
})

afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  socket[Symbol.dispose]()
})

/** What the server itself says to one request. */
async function direct(method: string, params: unknown): Promise<string> {
  const child = spawn(process.execPath, [fixturePath('unknown-fields')], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })}\n`)
  // Not readline: newer versions of it end a line at U+2028 too, which JSON may contain.
  const [line = ''] = (await text(child.stdout)).split('\n')
  return line
}

test.each([
  ['tools/list', {}],
  ['prompts/list', {}],
  ['tools/call', { name: 'odd', arguments: { __proto__: null, a: [1.5, null, 'ü'] }, extra: { deep: {} } }],
  ['prompts/get', { name: 'odd', extra: 1 }],
  ['resources/read', { uri: 'odd://1', extra: 1 }],
])('%s arrives as the server said it, to the letter', async (method, params) => {
  const session = await rawSession(`${proxy.url}/servers/odd/mcp`)
  const [answer] = await session.ask(method, params)
  expect(JSON.stringify(answer)).toBe(await direct(method, params))
})

test('on the group’s address too, next to other servers', async () => {
  const session = await rawSession(`${proxy.url}/mcp`)
  const [list] = await session.ask('tools/list')
  const own = JSON.parse(await direct('tools/list', {})).result.tools[0]
  expect([list?.result?.tools].flat()[0]).toEqual(own)
  const call = { name: 'odd', arguments: { a: 1 }, extra: 1 }
  expect(JSON.stringify((await session.ask('tools/call', call))[0])).toBe(await direct('tools/call', call))
})

test('a server’s own methods and errors pass on its own address', async () => {
  const session = await rawSession(`${proxy.url}/servers/odd/mcp`)
  const [answer] = await session.ask('vendor/unheard', { a: 1 })
  expect(JSON.stringify(answer)).toBe(await direct('vendor/unheard', { a: 1 }))
})

test('initialize keeps a lone server’s unknown capabilities, info and fields', async () => {
  const { initialized } = await rawSession(`${proxy.url}/servers/odd/mcp`)
  const unknown = { 'x-unknown': { deep: [1, null, { a: '\u2028' }] } }
  expect(initialized?.result).toEqual({
    protocolVersion: '2025-11-25',
    serverInfo: { name: 'unknown-fields', version: '1', ...unknown },
    capabilities: {
      tools: { ...unknown, listChanged: true },
      prompts: { listChanged: true },
      resources: { listChanged: true },
      custom: unknown,
      experimental: unknown,
    },
    instructions: 'Expect the unexpected.',
    ...unknown,
  })
})

test.each([0, -1, 1.5, '', '1', 'x'.repeat(10_000), Number.MAX_SAFE_INTEGER])(
  'D-07: the id %j comes back as it was, from here and from a server',
  async (id) => {
    const session = await rawSession(`${proxy.url}/mcp`)
    for (const [method, params] of [['ping'], ['tools/list'], ['tools/call', { name: 'odd' }], ['nope']] as const)
      expect((await session.ask(method, params, id))[0]?.id).toBe(id)
  },
)
