import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { groupOf, stdioServer } from '../../helpers/group.ts'
import { VERSION } from '../../helpers/modern.ts'
import { type HeldSocket, holdSocket, type RunningProxy, startReadyProxy } from '../../helpers/proxy.ts'
import { waitFor } from '../../helpers/wait.ts'

let socket: HeldSocket
let proxy: RunningProxy
const servers = [stdioServer('one', 'all-features'), stdioServer('two', 'all-features')]

beforeAll(async () => {
  socket = await holdSocket()
  proxy = await startReadyProxy({ group: groupOf(servers), socket })
})

afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  socket[Symbol.dispose]()
})

const modes: [mode: 'auto' | { pin: string }][] = [['auto'], [{ pin: VERSION }]]

/** A client of the second SDK generation, which speaks the modern era on its own when it can. */
async function connected(mode: 'auto' | { pin: string }, path = '/mcp') {
  const client = new Client({ name: 'referee', version: '1' }, { versionNegotiation: { mode } })
  await client.connect(new StreamableHTTPClientTransport(new URL(proxy.url + path)))
  return { client, [Symbol.asyncDispose]: () => client.close() }
}

test.each(modes)('a client in mode %j speaks the modern era and finds all there is', async (mode) => {
  await using one = await connected(mode)
  const { client } = one
  expect(client.getProtocolEra()).toBe('modern')
  expect(client.getServerVersion()).toMatchObject({ name: 'mcpctl' })
  expect(client.getServerCapabilities()).toMatchObject({ tools: { listChanged: true }, resources: { subscribe: true } })
  expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['one_echo', 'two_echo']),
  )
  expect((await client.listPrompts()).prompts).toHaveLength(2)
  expect((await client.listResources()).resources).toHaveLength(2)
  expect((await client.listResourceTemplates()).resourceTemplates).toHaveLength(2)
})

test.each(modes)('a client in mode %j listens and is told what it asked for', async (mode) => {
  await using one = await connected(mode, '/servers/one/mcp')
  const { client } = one
  const seen: string[] = []
  client.setNotificationHandler('notifications/tools/list_changed', () => void seen.push('tools'))
  client.setNotificationHandler('notifications/resources/updated', ({ params }) => void seen.push(params.uri))
  const listening = await client.listen({ toolsListChanged: true, resourceSubscriptions: ['note://1'] })
  expect(listening.honoredFilter).toEqual({ toolsListChanged: true, resourceSubscriptions: ['note://1'] })
  const call = (name: string, args: Record<string, unknown>) =>
    client.request({ method: 'tools/call', params: { name, arguments: args } }).catch(() => {})
  await call('update', { uri: 'note://1' })
  await waitFor(() => seen.length === 1)
  await call('grow', { name: `grown_${JSON.stringify(mode).length}` })
  await waitFor(() => seen.length === 2)
  expect(seen).toEqual(['note://1', 'tools'])
  await listening.close()
})

test('an error of the server reaches the client with its own code, message and data', async () => {
  await using one = await connected('auto')
  await expect(one.client.callTool({ name: 'one_fail' })).rejects.toMatchObject({
    code: -32050,
    data: { why: ['because'] },
  })
})
