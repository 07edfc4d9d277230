import { afterAll, beforeAll, expect, test } from 'vitest'
import { Rates } from '../../../src/proxy/downstream/rates.ts'
import { bearer, groupOf, stdioServer } from '../../helpers/group.ts'
import { messages, post } from '../../helpers/mcp.ts'
import { type HeldSocket, holdSocket, type RunningProxy, startReadyProxy } from '../../helpers/proxy.ts'

const greedy = { authorization: 'Bearer the-token-of-the-greedy' }
const modest = { authorization: 'Bearer the-token-of-the-modest' }

let socket: HeldSocket
let proxy: RunningProxy

beforeAll(async () => {
  socket = await holdSocket()
  const auth = bearer(...[greedy, modest].map(({ authorization }) => authorization.slice(7)))
  const group = groupOf([stdioServer('one', 'echo')], { auth, limits: { maxRate: 10 } })
  proxy = await startReadyProxy({ group, socket })
})

afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  socket[Symbol.dispose]()
})

const body = { jsonrpc: '2.0', id: 1, method: 'initialize', params: {} }

test('D-32: a thousand requests of one token are mostly refused, those of another are not', async () => {
  const url = `${proxy.url}/mcp`
  const many = await Promise.all(Array.from({ length: 1000 }, () => post(url, body, greedy)))
  const refused = many.filter(({ status }) => status === 429)
  expect(many.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(100)
  expect(refused.length).toBeGreaterThan(500)
  expect(refused[0]?.headers.get('retry-after')).toBe('1')
  expect(await refused[0]?.json()).toEqual({
    jsonrpc: '2.0',
    error: {
      code: -31003,
      message: 'Too many requests with this token',
      data: { mcpctl: { upstream: '', kind: 'overloaded', retryable: true, retryAfterMs: expect.any(Number) } },
    },
  })
  const others = await Promise.all(Array.from({ length: 50 }, () => post(url, body, modest)))
  expect(others.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200))
  expect((await fetch(`${proxy.url}/livez`)).status).toBe(200)
  const said = proxy.log.filter((line) => line.includes('too many requests'))
  expect(said.map((line) => JSON.parse(line).token)).toEqual(['1'])
})

test('D-32: without tokens nobody is counted', async () => {
  using own = await holdSocket()
  await using open = await startReadyProxy({ group: groupOf([], { limits: { maxRate: 1 } }), socket: own })
  const many = await Promise.all(Array.from({ length: 50 }, () => post(`${open.url}/mcp`, body)))
  expect(new Set(many.map(({ status }) => status))).toEqual(new Set([200]))
})

test('a bucket holds ten seconds’ worth, fills steadily, and is nobody else’s', () => {
  const rates = new Rates(() => 10)
  const at = (now: number, who = 'a') => rates.take(who, now).wait
  for (let i = 0; i < 100; i++) expect(at(0)).toBe(0)
  expect([at(0), at(0, 'b')]).toEqual([100, 0])
  expect([at(50), at(100), at(100)]).toEqual([50, 0, 100])
  for (let i = 0; i < 100; i++) expect(at(1_000_000)).toBe(0)
  expect(at(1_000_000)).toBe(100)
})

test('that somebody asks too often is said once, until it has been quiet', () => {
  const rates = new Rates(() => 1)
  const isFirst = (now: number) => rates.take('a', now).isFirst
  const first = (from: number) => Array.from({ length: 30 }, (_, i) => isFirst(from + i * 100)).filter(Boolean).length
  expect([first(0), first(3000), first(6000)]).toEqual([1, 0, 0])
  expect(first(600_000)).toBe(1)
})

test('the bounds of one session: unanswered requests beyond them are refused at once, the others go on', async () => {
  using own = await holdSocket()
  const group = groupOf([stdioServer('one', 'all-features')], { limits: { maxInFlight: 3 } })
  await using small = await startReadyProxy({ group, socket: own })
  const begin = async () => {
    const begun = await post(`${small.url}/mcp`, { ...body, params: { protocolVersion: '2025-11-25' } })
    return { 'mcp-session-id': begun.headers.get('mcp-session-id') ?? '' }
  }
  const session = await begin()
  const call = (id: number, params: unknown, headers = session) =>
    post(`${small.url}/mcp`, { jsonrpc: '2.0', id, method: 'tools/call', params }, headers)
  const waiting = [1, 2, 3].map((id) => call(id, { name: 'one_slow' }))
  await expect
    .poll(async () => (await messages(await call(4, { name: 'one_echo' })))[0]?.error, { timeout: 5000 })
    .toMatchObject({ code: -31003, data: { mcpctl: { kind: 'overloaded', retryable: true } } })
  expect((await messages(await call(5, { name: 'one_echo' }, await begin())))[0]?.result).toBeDefined()
  for (const requestId of [1, 2, 3])
    await post(
      `${small.url}/mcp`,
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } },
      session,
    )
  await Promise.all(waiting)
  expect((await messages(await call(6, { name: 'one_echo' })))[0]?.result).toBeDefined()
})
