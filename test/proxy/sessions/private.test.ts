import { ListRootsRequestSchema, ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { expect, test } from 'vitest'
import type { Server } from '../../../src/config/profile.ts'
import { type FixtureProcess, startFixture } from '../../helpers/fixture.ts'
import { groupOf, serverOf, stdioServer } from '../../helpers/group.ts'
import { type ConnectedClient, connect, rawSession } from '../../helpers/mcp.ts'
import { holdSocket, newKey, type RunningProxy, startReadyProxy } from '../../helpers/proxy.ts'
import { waitFor } from '../../helpers/wait.ts'

/** A proxy in front of one server that gives each session a conversation of its own. */
async function start(fields: Partial<Server> = {}) {
  const server = await startFixture('sessions')
  const socket = await holdSocket()
  const transport = { kind: 'http', url: server.address, headers: {} } as const
  const group = groupOf([serverOf('s', { transport, ...fields })])
  const proxy = await startReadyProxy({ group, socket })
  return {
    proxy,
    group,
    url: `${proxy.url}/mcp`,
    stats: () => statsOf(server),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      socket[Symbol.dispose]()
    },
  }
}

async function statsOf({ address }: FixtureProcess): Promise<Record<string, number>> {
  return (await fetch(new URL('/stats', address))).json() as Promise<Record<string, number>>
}

const withRoots = { roots: { listChanged: true }, sampling: {} }

async function connectWithRoots(url: string, ...uris: string[]): Promise<ConnectedClient & { roots: string[] }> {
  const connected = await connect(url, withRoots)
  const roots = uris
  connected.client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: roots.map((uri) => ({ uri })) }))
  return { ...connected, roots }
}

async function textOf(client: ConnectedClient['client'], name: string, args = {}): Promise<string> {
  const { content } = (await client.callTool({ name, arguments: args })) as { content: { text: string }[] }
  return content[0]?.text ?? ''
}

const toolsOf = async ({ client }: ConnectedClient) => (await client.listTools()).tools.map(({ name }) => name)

test('a client with roots has its own session, declared as the client is, and is asked for them alone', async () => {
  await using one = await start()
  await using mine = await connectWithRoots(one.url, 'file:///mine')
  await using theirs = await connectWithRoots(one.url, 'file:///theirs')
  await using plain = await connect(one.url)
  expect(await toolsOf(mine)).toContain('s_files')
  expect(await toolsOf(plain)).not.toContain('s_files')
  const who = JSON.parse(await textOf(mine.client, 's_who'))
  expect(who).toMatchObject({ capabilities: withRoots, clientInfo: { name: 'test', version: '1' } })
  expect(JSON.parse(await textOf(plain.client, 's_who')).clientInfo.name).toBe('mcpctl')
  await toolsOf(theirs)
  await waitFor(async () => (await textOf(mine.client, 's_files')) === '[{"uri":"file:///mine"}]')
  await waitFor(async () => (await textOf(theirs.client, 's_files')) === '[{"uri":"file:///theirs"}]')
  expect((await one.stats()).sessions).toBe(3)
})

test('a client that has other roots now is asked for them again', async () => {
  await using one = await start()
  await using mine = await connectWithRoots(one.url, 'file:///a')
  await toolsOf(mine)
  await waitFor(async () => (await textOf(mine.client, 's_files')) === '[{"uri":"file:///a"}]')
  mine.roots.push('file:///b')
  await mine.client.sendRootsListChanged()
  await waitFor(async () => (await textOf(mine.client, 's_files')) === '[{"uri":"file:///a"},{"uri":"file:///b"}]')
})

test('the first list of such a client is its own: nothing changes afterwards', async () => {
  await using one = await start()
  await using mine = await connectWithRoots(one.url)
  let changes = 0
  mine.client.setNotificationHandler(ToolListChangedNotificationSchema, () => void changes++)
  expect(await toolsOf(mine)).toContain('s_files')
  for (let i = 0; i < 30; i++) await textOf(mine.client, 's_slow', { ms: 10 })
  expect(changes).toBe(0)
})

test('D-10: its session ends with the client’s', async () => {
  await using one = await start()
  await using mine = await connectWithRoots(one.url)
  await toolsOf(mine)
  expect(await one.stats()).toMatchObject({ sessions: 2, deletes: 0 })
  await mine.transport.terminateSession()
  await waitFor(async () => (await one.stats()).sessions === 1)
})

test.each([
  ['shared', { session: 'shared' }, 1],
  ['per-client', { session: 'per-client' }, 3],
  ['auto for a stateful server', { stateful: true }, 3],
] as const)('%s: two clients make %j %i sessions', async (_title, fields, sessions) => {
  await using one = await start(fields)
  await using first = await connectWithRoots(one.url)
  await using second = await connect(one.url)
  await textOf(first.client, 's_who')
  await textOf(second.client, 's_who')
  expect((await one.stats()).sessions).toBe(sessions)
})

test('a shared session is never told of anybody’s roots', async () => {
  await using one = await start({ session: 'shared' })
  await using mine = await connectWithRoots(one.url, 'file:///mine')
  const refused = await textOf(mine.client, 's_ask', { method: 'roots/list' })
  expect(JSON.parse(refused)).toMatchObject({ code: -32601 })
  await mine.client.sendRootsListChanged()
  expect(JSON.parse(await textOf(mine.client, 's_who')).heard).not.toContain('notifications/roots/list_changed')
})

test('what is said outside of calls reaches only the client whose session it is', async () => {
  await using one = await start({ session: 'per-client' })
  await using mine = await connect(one.url)
  await using other = await connect(one.url)
  const heard: unknown[] = []
  for (const [name, { client }] of [['mine', mine] as const, ['other', other] as const])
    client.fallbackNotificationHandler = async ({ method }) => void heard.push([name, method])
  await textOf(other.client, 's_who')
  await waitFor(async () => {
    await textOf(mine.client, 's_push', { method: 'notifications/vendor/said' })
    return heard.length > 0
  })
  expect(new Set(heard.map(String))).toEqual(new Set(['mine,notifications/vendor/said']))
})

test('each own session has its own level and subscriptions', async () => {
  await using one = await start({ session: 'per-client' })
  await using mine = await connect(one.url)
  await using other = await connect(one.url)
  await textOf(other.client, 's_who')
  await mine.client.setLoggingLevel('error')
  await other.client.setLoggingLevel('debug')
  await mine.client.subscribeResource({ uri: 'test://one' })
  const who = async ({ client }: ConnectedClient) => JSON.parse(await textOf(client, 's_who'))
  await waitFor(async () => (await who(mine)).level === 'error')
  expect(await who(mine)).toMatchObject({ level: 'error', uris: ['test://one'] })
  expect(await who(other)).toMatchObject({ level: 'debug' })
  expect(await who(other)).not.toHaveProperty('uris')
})

test('a session that outlived the proxy gets its own one again, with what it wished', async () => {
  const sessionKey = newKey()
  await using server = await startFixture('sessions')
  using socket = await holdSocket()
  const transport = { kind: 'http', url: server.address, headers: {} } as const
  const group = groupOf([serverOf('s', { transport, session: 'per-client' })])
  let proxy: RunningProxy = await startReadyProxy({ group, socket, sessionKey })
  const capabilities = { roots: {}, experimental: { zz: { a: 1 } } }
  const session = await rawSession(`${proxy.url}/mcp`, { capabilities })
  await session.ask('tools/call', { name: 's_who' })
  await proxy[Symbol.asyncDispose]()
  proxy = await startReadyProxy({ group, socket, sessionKey })
  const answers = await session.ask('tools/call', { name: 's_who' })
  await proxy[Symbol.asyncDispose]()
  const answer = JSON.stringify(answers.at(-1)?.result)
  expect(JSON.parse(JSON.parse(answer).content[0].text)).toMatchObject({ capabilities, clientInfo: { name: 'raw' } })
})

test('per-client over stdio is one process each, at most sixteen, and says so beyond', async () => {
  using socket = await holdSocket()
  const group = groupOf([stdioServer('s', 'echo', { session: 'per-client' })])
  await using proxy = await startReadyProxy({ group, socket })
  const sessions = await Promise.all(Array.from({ length: 17 }, () => rawSession(`${proxy.url}/mcp`)))
  const answers = await Promise.all(sessions.map(({ ask }) => ask('tools/call', { name: 's_state' })))
  const said = answers.map(([answer]) => answer?.error ?? JSON.stringify(answer?.result))
  const pids = said.flatMap((one) => (typeof one === 'string' ? [/pid\\":(\d+)/.exec(one)?.[1]] : []))
  expect(new Set(pids).size).toBe(16)
  expect(said.filter((one) => typeof one !== 'string')).toEqual([
    {
      code: -31003,
      message: 'Server "s" has 16 clients with a session of their own already',
      data: { mcpctl: { upstream: 's', kind: 'overloaded', retryable: true, retryAfterMs: 5000 } },
    },
  ])
})
