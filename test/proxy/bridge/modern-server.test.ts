import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Caller } from '../../../src/proxy/mcp/exchange.ts'
import { isError, type Params, type RpcRequest, type RpcResponse } from '../../../src/proxy/mcp/rpc.ts'
import { type FixtureProcess, startFixture } from '../../helpers/fixture.ts'
import { freePort } from '../../helpers/ports.ts'
import { waitFor } from '../../helpers/wait.ts'
import { http, type Observed, observeReady, serverOf, stdio, textOf } from '../upstream/harness.ts'
import { type ExchangeOptions, exchangeOf, result } from './fake.ts'

type Answer = (request: RpcRequest) => Params

/** One request of a legacy client through the upstream; `answer` is what it says to questions. */
function send(observed: Observed, params: Params, answer?: Answer, rest: Partial<ExchangeOptions> = {}) {
  const exchange = exchangeOf('legacy', {
    params,
    ...(answer && { answer: (request: RpcRequest) => Promise.resolve(result(answer(request))) }),
    ...rest,
  })
  return { exchange, response: observed.upstream.call(exchange) }
}

function resultOf(response: RpcResponse): Params {
  if (isError(response)) throw new Error(textOf(response))
  return response.result
}

const accept: Answer = ({ params }) => ({ action: 'accept', content: { value: `my ${String(params?.message)}` } })
const messageOf = ({ method, params }: RpcRequest) => String(params?.message ?? method)

describe.each(['stdio', 'http'] as const)('a modern server over %s and a legacy client', (kind) => {
  let fixture: FixtureProcess | undefined
  let observed: Observed

  beforeAll(async () => {
    if (kind === 'http') fixture = await startFixture('bridge-modern', [String(await freePort())])
    const transport = fixture ? http(fixture.address, { kind: 'http' }) : stdio('bridge-modern')
    observed = await observeReady(serverOf(transport, { protocol: 'modern' }))
  })

  afterAll(async () => {
    await observed.upstream.close()
    await fixture?.[Symbol.asyncDispose]()
  })

  test('come to a result over rounds of questions, with progress all along', async () => {
    const { exchange, response } = send(observed, { name: 'interview', _meta: { progressToken: 'p' } }, accept)
    expect(textOf(await response)).toBe('["my name","my age","my why"]')
    expect(exchange.asked.map(messageOf)).toEqual(['name', 'age', 'why'])
    expect(exchange.told.map(({ params }) => [params?.progressToken, params?.progress])).toEqual([
      ['p', 1],
      ['p', 2],
      ['p', 3],
      ['p', 4],
    ])
    expect(Object.keys(resultOf(await response))).toEqual(['content'])
  })

  test('sample, list roots and visit URLs', async () => {
    const thought = { role: 'assistant', content: { type: 'text', text: 'ok' }, model: 'm' }
    expect(JSON.parse(textOf(await send(observed, { name: 'think' }, () => thought).response))).toEqual(thought)
    const roots = { roots: [{ uri: 'file:///x' }] }
    expect(JSON.parse(textOf(await send(observed, { name: 'where' }, () => roots).response))).toEqual(roots)
    const visit = send(observed, { name: 'visit' }, () => ({ action: 'accept' }))
    expect(textOf(await visit.response)).toBe('"accept"')
    expect(visit.exchange.asked[0]?.params).toMatchObject({ mode: 'url', elicitationId: expect.any(String) })
  })

  test('have the client speak for itself, not its session', async () => {
    const caller: Partial<Caller> = {
      capabilities: { sampling: {}, tasks: {} },
      clientInfo: { name: 'me', version: '3' },
      level: 'error',
    }
    const { response } = send(observed, { name: 'envelope', _meta: { zz: 1 } }, undefined, { caller })
    expect(JSON.parse(textOf(await response))).toMatchObject({
      zz: 1,
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'me', version: '3' },
      'io.modelcontextprotocol/clientCapabilities': { sampling: {} },
      'io.modelcontextprotocol/logLevel': 'error',
    })
  })

  test('do not ask for what the client has not declared, and say so', async () => {
    const { exchange, response } = send(observed, { name: 'think' }, undefined, { caller: { capabilities: {} } })
    expect(textOf(await response)).toMatch(/^error -32603: Server "fixture" requires capabilities/)
    expect(exchange.asked).toEqual([])
  })

  test('give up a server that asks for ever', async () => {
    const { exchange, response } = send(observed, { name: 'endless' }, accept)
    await expect(response).rejects.toThrow('asks for more input after 10 rounds')
    expect(exchange.asked).toHaveLength(10)
  })

  test('end a cancelled call on both sides', async () => {
    const { exchange, response } = send(observed, { name: 'wait', _meta: { progressToken: 1 } })
    await waitFor(() => exchange.told.length > 0)
    exchange.abort('enough')
    await expect(response).rejects.toThrow('cancelled')
    await waitFor(async () => textOf(await send(observed, { name: 'cancelled' }).response) === '1')
  })

  test('wrap structured content as its schema is', async () => {
    const union = (args: Params) => send(observed, { name: 'union', arguments: args }).response
    expect(resultOf(await send(observed, { name: 'list' }).response).structuredContent).toEqual({ result: [1, 2] })
    expect(resultOf(await union({})).structuredContent).toEqual({ result: null })
    expect(resultOf(await union({ value: { a: 1 } })).structuredContent).toEqual({ result: { a: 1 } })
  })

  test('read, and miss, in the way of the legacy era', async () => {
    const read = (uri: string) => send(observed, { uri }, undefined, { method: 'resources/read' }).response
    expect(resultOf(await read('test://one'))).toEqual({ contents: [{ uri: 'test://one', text: 'the one' }] })
    expect(textOf(await read('test://two'))).toBe('error -32002: Resource not found')
  })
})
