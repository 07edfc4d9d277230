import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import type { Server } from '../../src/config/profile.ts'
import { sealerOf } from '../../src/proxy/downstream/sealer.ts'
import { Sessions } from '../../src/proxy/downstream/sessions.ts'
import { groupOf, serverOf } from '../helpers/group.ts'
import { rawSession } from '../helpers/mcp.ts'
import { freePort } from '../helpers/ports.ts'
import { configure, holdSocket, newKey, startReadyProxy } from '../helpers/proxy.ts'
import { waitFor } from '../helpers/wait.ts'

const SERVERS = 60

/** One process of many servers, each on a path of its own, that counts what each is asked. */
async function manyServers() {
  const asked = new Map<string, number>()
  const http = createServer(async (request, response) => {
    const path = request.url ?? ''
    asked.set(path, (asked.get(path) ?? 0) + 1)
    if (request.method !== 'POST') return void response.writeHead(405).end()
    const message = (await json(request)) as { id?: number; method: string }
    if (message.id === undefined) return void response.writeHead(202).end()
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...answerTo(message.method) }))
  })
  const port = await freePort()
  await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve))
  return {
    asked,
    server: (name: string): Server => {
      const url = `http://127.0.0.1:${port}/${name}`
      return serverOf(name, { transport: { kind: 'http', url, headers: {} } })
    },
    async [Symbol.asyncDispose]() {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}

function answerTo(method: string) {
  const serverInfo = { name: 'many', version: '1' }
  if (method === 'initialize')
    return { result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo } }
  if (method === 'tools/list') return { result: { tools: [{ name: 'x', inputSchema: { type: 'object' } }] } }
  return { error: { code: -32601, message: 'Method not found' } }
}

const names = (count: number) => Array.from({ length: count }, (_, at) => `s${at}`)

test('one server more among many asks nothing of the others and is all that is told of', async () => {
  await using many = await manyServers()
  const all = names(SERVERS)
  using socket = await holdSocket()
  await using proxy = await startReadyProxy({ group: groupOf(all.map(many.server)), socket })
  const session = await rawSession(`${proxy.url}/mcp`)
  await session.ask('tools/list')
  const [asked, told] = [new Map(many.asked), proxy.messages.length]
  const group = { ...groupOf([]), servers: [...all, many.server('added')] }
  await configure(proxy, group)
  await waitFor(() => proxy.status()?.servers.some(({ name, state }) => name === 'added' && state === 'ready'))
  const [list] = await session.ask('tools/list')
  expect(list?.result?.tools).toHaveLength(SERVERS + 1)
  expect(many.asked.get('/added')).toBeGreaterThan(0)
  expect(new Map([...many.asked].filter(([path]) => path !== '/added'))).toEqual(asked)
  const news = proxy.messages.slice(told).flatMap((message) => (message.type === 'status' ? message.servers : []))
  expect(new Set(news.map(({ name }) => name))).toEqual(new Set(['added']))
})

test('a start of many servers is told in few messages that say each thing about once', async () => {
  await using many = await manyServers()
  using socket = await holdSocket()
  await using proxy = await startReadyProxy({ group: groupOf(names(SERVERS).map(many.server)), socket })
  const told = proxy.messages.flatMap((message) => (message.type === 'status' ? message.servers : []))
  // Connecting, then ready: that it is not known to be ready yet may be told of each once more.
  expect(told.length).toBeLessThanOrEqual(3 * SERVERS)
  expect(proxy.messages.length).toBeLessThan(SERVERS)
})

test('an idle session holds a few kilobytes', async () => {
  using sessions = new Sessions({
    sealer: sealerOf(newKey()),
    group: 'local',
    most: () => 10_000,
    ended: () => {},
  })
  const facts = {
    server: undefined,
    version: '2025-11-25',
    capabilities: { sampling: {}, elicitation: {} },
    clientInfo: { name: 'test', version: '1' },
    principal: '',
  } as const
  const open = async (count: number) => {
    for (let at = 0; at < count; at++) await sessions.create(facts)
    return heapUsed()
  }
  const before = await open(1000)
  const after = await open(2000)
  expect((after - before) / 2000).toBeLessThan(10 * 1024)
})

/** Of what lives, in bytes. */
function heapUsed(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  return process.memoryUsage().heapUsed
}
