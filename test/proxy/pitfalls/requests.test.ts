import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { rawSession } from '../../helpers/mcp.ts'
import { waitFor } from '../../helpers/wait.ts'
import { wireClient } from '../sessions/wire.ts'
import { ANSWERED, inFrontOf, scripted } from './scripted.ts'

const call = (args: object = {}, meta: object = {}) => ({ name: 's_go', arguments: args, _meta: meta })

test('request ids: two clients with the same ids, text and number, get their own answers back typed as sent', async () => {
  await using server = await scripted({
    'tools/call': async ({ params }) => {
      await delay(5)
      return { content: [], who: params?.arguments }
    },
  })
  await using at = await inFrontOf({ s: server })
  const clients = await Promise.all([rawSession(at.url), rawSession(at.url)])
  const ids = [1, '1', 0, -1, '']
  const asked = clients.flatMap(({ ask }, who) =>
    ids.map(async (id) => ({ who, id, answer: (await ask('tools/call', call({ who, id }), id)).at(-1) })),
  )
  for (const { who, id, answer } of await Promise.all(asked)) {
    expect(answer?.id).toBe(id)
    expect(answer?.result?.who).toEqual({ who, id })
  }
  const own = server.got.flatMap(({ message }) => (message?.id === undefined || !message.method ? [] : [message.id]))
  expect(own[0]).toBe(1)
  expect(own.every(Number.isInteger)).toBe(true)
  expect(new Set(own).size).toBe(own.length)
})

test('progress tokens: equal ones of two clients do not meet, none is made up, and what comes late is dropped', async () => {
  await using server = await scripted({
    'tools/call': ({ params }, { event, last }) => {
      const token = (params?._meta as { progressToken?: number } | undefined)?.progressToken
      const told = (progress: number) => ({
        method: 'notifications/progress',
        params: { progressToken: token, progress },
      })
      if (token !== undefined) for (const progress of [1, 2]) event(told(progress))
      last({ content: [], token })
      return ANSWERED
    },
  })
  await using at = await inFrontOf({ s: server })
  const [first, second] = await Promise.all([rawSession(at.url), rawSession(at.url)])
  const one = await first.ask('tools/call', call({}, { progressToken: 1 }))
  const other = await second.ask('tools/call', call({}, { progressToken: '1' }))
  const tokens = (all: typeof one) =>
    all.flatMap(({ params }) => (params ? [params.progressToken, params.progress] : []))
  expect(tokens(one)).toEqual([1, 1, 1, 2])
  expect(tokens(other)).toEqual(['1', 1, '1', 2])
  const given = [one, other].map((all) => all.at(-1)?.result?.token)
  expect(given[0]).not.toBe(given[1])
  expect((await first.ask('tools/call', call()))[0]?.result).toEqual({ content: [] })
})

test('progress tokens: progress that comes when the call is over reaches nobody', async () => {
  await using server = await scripted({
    GET: (_message, { event }) => {
      event({ method: 'notifications/vendor', params: {} })
      side = event
      return ANSWERED
    },
  })
  let side: ((message: object) => void) | undefined
  await using at = await inFrontOf({ s: server })
  await using client = await wireClient(at.url)
  await client.ask('tools/call', call({}, { progressToken: 'mine' }))
  const own = server.heard('tools/call')[0]?.params?._meta as { progressToken: number } | undefined
  side?.({ method: 'notifications/progress', params: { progressToken: own?.progressToken, progress: 9 } })
  side?.({ method: 'notifications/vendor', params: { after: true } })
  await waitFor(() => client.heard.some(({ params }) => params?.after))
  expect(client.heard.filter(({ method }) => method === 'notifications/progress')).toEqual([])
})

test('cancellation: the server is told by its own id, and its late answer is swallowed', async () => {
  let finish: (() => void) | undefined
  await using server = await scripted({
    'tools/call': ({ params }, { last }) => {
      if (!JSON.stringify(params).includes('slow')) return { content: [], quick: true }
      finish = () => last({ content: [], late: true })
      return ANSWERED
    },
  })
  await using at = await inFrontOf({ s: server })
  await using client = await wireClient(at.url)
  const asking = client.ask('tools/call', call({ slow: true }), 'a')
  await waitFor(() => finish)
  await client.tell('notifications/cancelled', { requestId: 'a', reason: 'enough' })
  expect(await asking).toEqual({})
  const told = await waitFor(() => server.heard('notifications/cancelled')[0])
  expect(told.params).toEqual({ requestId: server.heard('tools/call')[0]?.id, reason: 'enough' })
  finish?.()
  expect((await client.ask('tools/call', call(), 'a')).result).toEqual({ content: [], quick: true })
  expect(JSON.stringify(client.heard)).not.toContain('late')
})

test('cancellation: a client that only loses its connection has cancelled nothing', async () => {
  let finish: (() => void) | undefined
  await using server = await scripted({
    'tools/call': (_message, { last }) => {
      finish = () => last({ content: [] })
      return ANSWERED
    },
  })
  await using at = await inFrontOf({ s: server })
  const session = await rawSession(at.url)
  const hangUp = new AbortController()
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-session-id': session.id,
  }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: call() })
  const lost = fetch(at.url, { method: 'POST', headers, body, signal: hangUp.signal }).catch(() => {})
  await waitFor(() => finish)
  hangUp.abort()
  await lost
  await session.ask('ping')
  expect(server.heard('notifications/cancelled')).toEqual([])
  finish?.()
})

test('cancellation: a call whose own session is still being opened ends at once', async () => {
  let connects = 0
  await using server = await scripted({
    'tools/list': () => (connects++ === 0 ? { tools: [{ name: 'go', inputSchema: { type: 'object' } }] } : ANSWERED),
  })
  await using at = await inFrontOf({ s: server }, { session: 'per-client' })
  await using client = await wireClient(at.url)
  const asking = client.ask('tools/call', call(), 5)
  await waitFor(() => server.heard('initialize').length === 2)
  await client.tell('notifications/cancelled', { requestId: 5 })
  const given = await Promise.race([asking, delay(3000, 'held up')])
  expect(given).toEqual({})
  expect(server.heard('tools/call')).toEqual([])
})

test('progress and timeouts: progress keeps a call alive, but not beyond the longest life', async () => {
  await using server = await scripted({
    'tools/call': async ({ params }, { event, last, response }) => {
      const { progressToken } = (params?._meta ?? {}) as { progressToken?: number }
      const { times = 0 } = (params?.arguments ?? {}) as { times?: number }
      for (let progress = 1; progress <= times && !response.destroyed; progress++) {
        event({ method: 'notifications/progress', params: { progressToken, progress } })
        await delay(100)
      }
      last({ content: [] })
      return ANSWERED
    },
  })
  const timeouts = { connect: 5000, request: 400, max: 1500, idle: 60_000 }
  await using at = await inFrontOf({ s: server }, { timeouts })
  const { ask } = await rawSession(at.url)
  const alive = await ask('tools/call', call({ times: 8 }, { progressToken: 1 }))
  expect(alive.at(-1)?.result).toEqual({ content: [] })
  const endless = await ask('tools/call', call({ times: 100 }, { progressToken: 2 }))
  expect(endless.at(-1)?.error).toMatchObject({ code: -31002, data: { mcpctl: { kind: 'upstream_timeout' } } })
})
