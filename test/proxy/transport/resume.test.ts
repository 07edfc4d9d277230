import { connect as connectTcp, createServer, type Socket } from 'node:net'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ReadEvents, readEvents } from '../../helpers/events.ts'
import { groupOf, stdioServer } from '../../helpers/group.ts'
import { connect, rawSession } from '../../helpers/mcp.ts'
import { freePort } from '../../helpers/ports.ts'
import { type HeldSocket, holdSocket, newKey, type RunningProxy, startReadyProxy } from '../../helpers/proxy.ts'
import { waitFor } from '../../helpers/wait.ts'

let socket: HeldSocket
let proxy: RunningProxy
let url: string

beforeAll(async () => {
  socket = await holdSocket()
  proxy = await startReadyProxy({ group: groupOf([stdioServer('one', 'echo')]), socket })
  url = `${proxy.url}/mcp`
})

afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  socket[Symbol.dispose]()
})

const accept = 'application/json, text/event-stream'

type Session = Awaited<ReturnType<typeof rawSession>>

/** A call of a tool of `echo.mjs` whose answer is read as a stream. */
function call({ id }: Session, name: string, args: object, requestId: unknown = 1): Promise<ReadEvents> {
  const params = { name: `one_${name}`, arguments: args, _meta: { progressToken: requestId } }
  return readEvents(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, 'mcp-session-id': id },
    body: JSON.stringify({ jsonrpc: '2.0', id: requestId, method: 'tools/call', params }),
  })
}

function listen({ id }: Session, lastEventId?: string, to = url): Promise<ReadEvents> {
  const resumed: Record<string, string> = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
  return readEvents(to, { headers: { accept: 'text/event-stream', 'mcp-session-id': id, ...resumed } })
}

const progressOf = (read: ReadEvents) => read.messages.flatMap(({ params }) => params?.progress ?? [])
const answerOf = (read: ReadEvents) => read.messages.find(({ result }) => result)

test('an answer that becomes a stream begins with an id and a pause, and every message has an id of its own', async () => {
  const read = await call(await rawSession(url), 'progress', { steps: 3 })
  await read.over
  expect(read.headers.get('x-accel-buffering')).toBe('no')
  const [, stream] = /^([\da-f]{8}-\d+):0$/.exec(read.events[0]?.id ?? '') ?? []
  expect(read.events[0]).toMatchObject({ data: '' })
  expect(read.retries).toEqual([1000])
  expect(read.events.map(({ id }) => id)).toEqual([0, 1, 2, 3, 4].map((seq) => `${stream}:${seq}`))
})

test.each(['2024-11-05', '2025-03-26', '2025-06-18'])(
  'a client of %s gets no event without data, but ids to come back with',
  async (protocolVersion) => {
    const session = await rawSession(url, { protocolVersion })
    const first = await call(session, 'progress', { steps: 3, ms: 60 })
    await waitFor(() => first.lastId)
    first.abort()
    expect(first.events.every(({ data, id }) => data !== '' && id !== undefined)).toBe(true)
    expect(first.retries).toEqual([])
    const rest = await listen(session, first.lastId)
    await rest.over
    expect([...progressOf(first), ...progressOf(rest)]).toEqual([1, 2, 3])
    expect(answerOf(rest)).toMatchObject({ id: 1, result: { content: [{ text: 'done' }] } })
  },
)

test('a client that lost its connection comes back for the rest, wherever it was', async () => {
  const session = await rawSession(url)
  for (const seen of [0, 1, 2, 3]) {
    const first = await call(session, 'progress', { steps: 5, ms: 50 })
    await waitFor(() => progressOf(first).length >= seen && first.events.length > 0)
    first.abort()
    const rest = await listen(session, first.lastId)
    await rest.over
    expect([...progressOf(first), ...progressOf(rest)]).toEqual([1, 2, 3, 4, 5])
    expect(answerOf(rest)).toMatchObject({ id: 1, result: {} })
  }
})

test('a client that comes back again and again gets everything once', async () => {
  const session = await rawSession(url)
  let read = await call(session, 'progress', { steps: 20, ms: 10 })
  const seen: unknown[] = []
  for (let rounds = 0; rounds < 50 && !answerOf(read); rounds++) {
    await waitFor(() => read.events.length > 0 || answerOf(read))
    read.abort()
    await read.over
    seen.push(...progressOf(read))
    const { lastId } = read
    if (!answerOf(read)) read = await listen(session, lastId)
  }
  await read.over
  const last = seen.at(-1) === 20 ? [] : progressOf(read)
  expect([...seen, ...last]).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
})

test('an answer that came while nobody was there waits; a second client of the same id gets it, too', async () => {
  const session = await rawSession(url)
  const first = await call(session, 'progress', { steps: 2, ms: 50 })
  await waitFor(() => first.lastId)
  first.abort()
  await (await call(session, 'progress', { steps: 4, ms: 50 })).over
  for (let i = 0; i < 2; i++) {
    const rest = await listen(session, first.lastId)
    await rest.over
    expect(answerOf(rest)).toBeDefined()
  }
})

test('to a client that has everything nothing is said, so that it does not come back for ever', async () => {
  const session = await rawSession(url)
  const failed = await call(session, 'progress', { steps: 1 })
  await failed.over
  expect((await listen(session, failed.lastId)).status).toBe(204)
})

test('the session’s own stream goes on where it was lost, beside the streams of answers', async () => {
  const session = await rawSession(url)
  const own = await listen(session)
  await waitFor(() => own.lastId)
  expect((await listen(session)).status).toBe(409)
  own.abort()
  await own.over
  // The answer comes on its own stream, the news in the meantime on the one that is away.
  const grown = await call(session, 'grow', {})
  await grown.over
  const again = await waitFor(async () => {
    const back = await listen(session, own.lastId)
    await waitFor(() => back.messages.some(({ method }) => method === 'notifications/tools/list_changed'))
    return back
  })
  expect(again.events.every(({ id }) => id?.split(':')[0] === own.lastId?.split(':')[0])).toBe(true)
  expect(answerOf(again)).toBeUndefined()
  again.abort()
})

test('a stream that seems to be there still is taken over by its client', async () => {
  const session = await rawSession(url)
  const own = await listen(session)
  await waitFor(() => own.lastId)
  const again = await listen(session, own.lastId)
  expect(again.status).toBe(200)
  await own.over
  expect((await listen(session)).status).toBe(409)
  again.abort()
})

test('an id of another session, of another stream or of nothing replays nothing', async () => {
  const [mine, other] = [await rawSession(url), await rawSession(url)]
  const foreign = await call(other, 'progress', { steps: 2 })
  await foreign.over
  const name = foreign.lastId?.split(':')[0]
  for (const id of [`${name}:0`, `${name}:99`, 'nonsense', '', ':', `${name}:-1`, `${name}:0x1`, 'x'.repeat(5000)]) {
    // The stream before it may not be noticed to be gone yet.
    const read = await waitFor(async () => {
      const tried = await listen(mine, id)
      return tried.status === 200 ? tried : undefined
    })
    await waitFor(() => read.events.length > 0)
    expect(read.messages).toEqual([])
    expect(read.events[0]?.id).not.toBe(`${name}:0`)
    read.abort()
  }
  const own = await listen(other, `${name}:99`)
  expect(own.messages).toEqual([])
  own.abort()
})

test('ids of an earlier process mean nothing to the next one', async () => {
  using own = await holdSocket()
  const options = { group: groupOf([stdioServer('one', 'echo')]), socket: own, sessionKey: newKey() }
  const before = await startReadyProxy(options)
  const session = await rawSession(`${before.url}/mcp`)
  const first = await listen(session, undefined, `${before.url}/mcp`)
  await waitFor(() => first.lastId)
  before.kill('SIGKILL')
  await before.exited
  await using after = await startReadyProxy(options)
  const again = await listen(session, first.lastId, `${after.url}/mcp`)
  await waitFor(() => again.messages.length > 0)
  expect(again.lastId?.split(':')[0]).not.toBe(first.lastId?.split(':')[0])
  again.abort()
})

test('a client of the SDK that loses its connection gets its answer all the same', async () => {
  await using wire = await breakable(socket.port)
  await using connected = await connect(`http://127.0.0.1:${wire.port}/mcp`)
  const seen: number[] = []
  const answer = connected.client.callTool({ name: 'one_progress', arguments: { steps: 10, ms: 30 } }, undefined, {
    onprogress: ({ progress }) => {
      seen.push(progress)
      if (seen.length === 1) wire.cut()
    },
  })
  expect(await answer).toMatchObject({ content: [{ text: 'done' }] })
  // The client itself loses progress that comes right before its answer, as a replay may do.
  expect(seen).toEqual(seen.map((_, i) => i + 1))
})

test('a client of the SDK that got an error on its stream comes back once and not for ever', async () => {
  const statuses: number[] = []
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    fetch: async (input, init) => {
      const response = await fetch(input, init)
      if (new Headers(init?.headers).has('last-event-id')) statuses.push(response.status)
      return response
    },
  })
  const client = new Client({ name: 'test', version: '1' })
  await client.connect(transport as Parameters<Client['connect']>[0])
  const messages = [
    { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'first' } },
    { jsonrpc: '2.0', id: '$id', error: { code: -32050, message: 'as asked' } },
  ]
  await expect(client.callTool({ name: 'one_raw', arguments: { messages } })).rejects.toThrow('as asked')
  await waitFor(() => statuses.length > 0)
  // Each round takes the pause it was asked for: a call that takes two of them would see the next.
  await client.callTool({ name: 'one_slow', arguments: { ms: 2500 } })
  expect(statuses).toEqual([204])
  await client.close()
})

/** A way to the proxy whose connections can all be cut at once. */
async function breakable(to: number) {
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connectTcp(to, '127.0.0.1')
    for (const end of [near, far]) sockets.add(end.on('error', () => {}))
    near.pipe(far).pipe(near)
    near.once('close', () => far.destroy())
  })
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const cut = () => {
    for (const end of sockets) end.destroy()
    sockets.clear()
  }
  return {
    port,
    cut,
    async [Symbol.asyncDispose]() {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

test('a hundred streams of one session at once, broken and resumed, never mix', async () => {
  const session = await rawSession(url)
  const ids = Array.from({ length: 100 }, (_, i) => i)
  await Promise.all(
    ids.map(async (id) => {
      const first = await call(session, 'progress', { steps: 4, ms: 20 }, id)
      await waitFor(() => first.events.length > id % 4)
      first.abort()
      await first.over
      const rest = await listen(session, first.lastId)
      await rest.over
      const all = [...first.messages, ...rest.messages]
      expect(all.flatMap(({ params }) => params?.progressToken ?? [])).toEqual(Array(4).fill(id))
      if (!answerOf(first)) expect(answerOf(rest)?.id).toBe(id)
    }),
  )
})

test('a client that is killed in the middle of its stream costs nothing but its own', async () => {
  const session = await rawSession(url)
  const streams = await Promise.all([1, 2, 3].map((id) => call(session, 'progress', { steps: 5, ms: 30 }, id)))
  streams[0]?.abort()
  await Promise.all(streams.map(({ over }) => over))
  expect(streams.slice(1).map((read) => answerOf(read)?.id)).toEqual([2, 3])
  expect((await session.ask('ping'))[0]?.result).toEqual({})
})
