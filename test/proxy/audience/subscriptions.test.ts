import { expect, test } from 'vitest'
import { Subscriptions } from '../../../src/proxy/audience/subscriptions.ts'
import { Session } from '../../../src/proxy/downstream/session.ts'
import type { RpcResponse } from '../../../src/proxy/mcp/rpc.ts'

const done: RpcResponse = { jsonrpc: '2.0', id: 1, result: { own: true } }
const refused: RpcResponse = { jsonrpc: '2.0', id: 1, error: { code: -32002, message: 'no' } }

/** Subscriptions over one recorded upstream. */
function record(answer: () => Promise<RpcResponse> = () => Promise.resolve(done)) {
  const told: string[] = []
  const tell = (verb: string) => (uri: string) => {
    told.push(`${verb} ${uri}`)
    return answer()
  }
  const upstream = { subscribe: tell('subscribe'), unsubscribe: tell('unsubscribe') }
  const subscriptions = new Subscriptions({
    upstream: () => upstream,
    failed: (_server, reason) => void told.push(`${reason}`),
  })
  return { told, subscriptions }
}

let sessions = 0
function session(): Session {
  const facts = { server: undefined, version: '2025-11-25', capabilities: {}, clientInfo: {}, group: 'g' } as const
  return new Session(`s${++sessions}`, { ...facts, sid: `s${sessions}` })
}

const wish = (of: Session, own = 'a://1', shown = own) => ({ listener: of, server: 's', own, shown })

test('the first to want a URI makes the subscription, the last to leave ends it', async () => {
  const { told, subscriptions } = record()
  const [one, two] = [session(), session()]
  expect(await subscriptions.subscribe(wish(one), {})).toBe(done)
  await subscriptions.subscribe(wish(two), {})
  await subscriptions.unsubscribe(wish(one))
  expect(told).toEqual(['subscribe a://1'])
  await subscriptions.unsubscribe(wish(two))
  await subscriptions.unsubscribe(wish(two))
  expect(told).toEqual(['subscribe a://1', 'unsubscribe a://1'])
})

test('two that come at the same time share one request and its answer', async () => {
  const { told, subscriptions } = record()
  const answers = await Promise.all([session(), session()].map((one) => subscriptions.subscribe(wish(one), {})))
  expect(answers).toEqual([done, done])
  expect(told).toEqual(['subscribe a://1'])
})

test.each([
  ['a refusal', () => Promise.resolve(refused)],
  ['a failure', () => Promise.reject(new Error('gone'))],
])('after %s nobody is subscribed, and the next one asks again', async (_what, answer) => {
  const { told, subscriptions } = record(answer)
  for (const one of [session(), session()]) await subscriptions.subscribe(wish(one), {}).catch(() => {})
  expect(told).toEqual(['subscribe a://1', 'subscribe a://1'])
  expect([...subscriptions.interested('s', 'a://1')]).toEqual([])
})

test('the end of a session ends what only it wanted', async () => {
  const { told, subscriptions } = record()
  const [one, two] = [session(), session()]
  await subscriptions.subscribe(wish(one, 'a://1'), {})
  await subscriptions.subscribe(wish(one, 'a://2'), {})
  await subscriptions.subscribe(wish(two, 'a://2'), {})
  subscriptions.end(one)
  expect(told.slice(2)).toEqual(['unsubscribe a://1'])
})

test.each([
  ['a://dir', 'a://dir', true],
  ['a://dir', 'a://dir/file', true],
  ['a://dir/', 'a://dir/file', true],
  ['a://dir', 'a://dir?x=1', true],
  ['a://dir', 'a://directory', false],
  ['a://dir/file', 'a://dir', false],
])('who wants %s hears of %s: %s', async (wanted, updated, hears) => {
  const { subscriptions } = record()
  await subscriptions.subscribe(wish(session(), wanted), {})
  expect([...subscriptions.interested('s', updated)].length === 1).toBe(hears)
})

test('another upstream is told everything again', async () => {
  const { told, subscriptions } = record()
  await subscriptions.subscribe(wish(session(), 'a://1'), {})
  subscriptions.replay('s')
  expect(told).toEqual(['subscribe a://1', 'subscribe a://1'])
})
