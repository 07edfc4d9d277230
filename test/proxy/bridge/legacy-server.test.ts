import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Caller } from '../../../src/proxy/mcp/exchange.ts'
import { isError, isRecord, type Params, type RpcResponse } from '../../../src/proxy/mcp/rpc.ts'
import { type FixtureProcess, startFixture } from '../../helpers/fixture.ts'
import { freePort } from '../../helpers/ports.ts'
import { waitFor } from '../../helpers/wait.ts'
import { http, type Observed, observeReady, serverOf, stdio, textOf } from '../upstream/harness.ts'
import { exchangeOf, type TestExchange } from './fake.ts'

/** One request of a modern client through the upstream. */
function send(observed: Observed, params: Params, caller: Partial<Caller> = {}, method = 'tools/call') {
  const exchange: TestExchange = exchangeOf('modern', { method, params, caller })
  return { exchange, response: observed.upstream.call(exchange) }
}

/** A client that answers every question with the next of `values`, round after round, until the call is over. */
async function complete(observed: Observed, params: Params, values: Record<string, Params>) {
  const rounds: string[][] = []
  const told: unknown[] = []
  for (let retry: Params = {}; ; ) {
    const { exchange, response } = send(observed, { ...params, ...retry, _meta: { progressToken: rounds.length } })
    const { resultType, inputRequests, requestState, ...rest } = resultOf(await response)
    told.push(...exchange.told.map(({ params: said }) => [said?.progressToken, said?.progress]))
    if (resultType !== 'input_required') return { rounds, told, text: textOf({ jsonrpc: '2.0', id: 1, result: rest }) }
    const questions = Object.entries(isRecord(inputRequests) ? inputRequests : {})
    rounds.push(questions.map(([, question]) => messageOf(question)).sort())
    const answers = questions.map(([key, question]) => [key, values[messageOf(question)] ?? { action: 'decline' }])
    retry = { requestState, inputResponses: Object.fromEntries(answers) }
  }
}

function messageOf(question: unknown): string {
  if (!isRecord(question) || !isRecord(question.params)) return isRecord(question) ? String(question.method) : ''
  return String(question.params.message ?? question.method)
}

function resultOf(response: RpcResponse): Params {
  if (isError(response)) throw new Error(textOf(response))
  return response.result
}

const accept = (value: string) => ({ action: 'accept', content: { value } })

describe.each(['stdio', 'http'] as const)('a legacy server over %s and a modern client', (kind) => {
  let fixture: FixtureProcess | undefined
  let observed: Observed

  beforeAll(async () => {
    if (kind === 'http') fixture = await startFixture('bridge-legacy', [String(await freePort())])
    const transport = fixture ? http(fixture.address, { kind: 'http' }) : stdio('bridge-legacy')
    observed = await observeReady(serverOf(transport, { protocol: 'legacy' }))
  })

  afterAll(async () => {
    await observed.upstream.close()
    await fixture?.[Symbol.asyncDispose]()
  })

  test('come to a result over questions, two at once and one after them, with progress all along', async () => {
    const values = { name: accept('Ada'), age: accept('36'), why: { action: 'cancel' } }
    const outcome = await complete(observed, { name: 'interview' }, values)
    expect(outcome).toEqual({
      rounds: [['age', 'name'], ['why']],
      told: [
        [0, 1],
        [1, 2],
        [2, 3],
      ],
      text: '["Ada","36","cancel"]',
    })
  })

  test('sample', async () => {
    const answer = { role: 'assistant', content: { type: 'text', text: 'thought' }, model: 'm' }
    const params = { name: 'think', arguments: { prompt: 'hm' } }
    const { rounds, text } = await complete(observed, params, { 'sampling/createMessage': answer })
    expect(rounds).toEqual([['sampling/createMessage']])
    expect(JSON.parse(text)).toEqual(answer)
  })

  test('are told what the client cannot do, without asking it', async () => {
    const { response } = send(observed, { name: 'think' }, { capabilities: {} })
    expect(textOf(await response)).toMatch(/error -32021: .*capability sampling/)
  })

  test('end a cancelled call on both sides, also after a question', async () => {
    const plain = send(observed, { name: 'wait', _meta: { progressToken: 1 } })
    await waitFor(() => plain.exchange.told.length > 0)
    plain.exchange.abort('first')
    await expect(plain.response).rejects.toThrow('cancelled')
    const { requestState } = resultOf(await send(observed, { name: 'wait', arguments: { asks: true } }).response)
    const inputResponses = { 'question-1': accept('yes') }
    const params = { name: 'wait', arguments: { asks: true }, requestState, inputResponses }
    const second = send(observed, params)
    await expect(Promise.race([second.response, waitFor(() => false, 100)])).rejects.toThrow('not within')
    second.exchange.abort('second')
    await expect(second.response).rejects.toThrow('cancelled')
    const seen = async () => textOf(await send(observed, { name: 'cancelled' }).response)
    await waitFor(async () => (await seen()) === '["first","second"]')
  })

  test('visit a URL first', async () => {
    const { rounds, text } = await complete(observed, { name: 'connect' }, { Connect: { action: 'accept' } })
    expect(rounds).toEqual([['Connect']])
    expect(text).toBe('"connected"')
  })

  test('have no resource in the way of the modern era', async () => {
    const found = resultOf(await send(observed, { uri: 'test://one' }, {}, 'resources/read').response)
    expect(found).toMatchObject({ resultType: 'complete', ttlMs: 0, cacheScope: 'private' })
    const missing = await send(observed, { uri: 'test://two' }, {}, 'resources/read').response
    expect(textOf(missing)).toMatch(/^error -32602: .*not found/)
  })

  test('ask two clients, each what is theirs', async () => {
    const speak = (who: string) =>
      complete(observed, { name: 'interview' }, { name: accept(who), age: accept(who), why: accept(who) })
    // A server on stdio says of no question whose it is: there, one at a time.
    const both = kind === 'http' ? await Promise.all([speak('a'), speak('b')]) : [await speak('a'), await speak('b')]
    expect(both.map(({ text }) => text)).toEqual(['["a","a","a"]', '["b","b","b"]'])
  })
})

test('a server that ends while its question is open ends the call of the client that comes back', async () => {
  await using observed = await observeReady(serverOf(stdio('bridge-legacy')))
  const { requestState } = resultOf(await send(observed, { name: 'crash' }).response)
  const params = { name: 'crash', requestState, inputResponses: { 'question-1': accept('yes') } }
  await expect(send(observed, params).response).rejects.toMatchObject({ code: -31001 })
  await waitFor(() => observed.upstream.state === 'ready')
  await expect(send(observed, params).response).rejects.toMatchObject({ code: -32602 })
})
