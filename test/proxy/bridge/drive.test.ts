import { describe, expect, test } from 'vitest'
import { carry } from '../../../src/proxy/bridge/carry.ts'
import type { Asking } from '../../../src/proxy/mcp/exchange.ts'
import { METHOD_NOT_FOUND, type Params, RpcFailure, type RpcRequest } from '../../../src/proxy/mcp/rpc.ts'
import { connectionOf, crossingOf, error, errorOf, exchangeOf, result, resultOf, serverInfo } from './fake.ts'

const PREFIX = 'io.modelcontextprotocol/'
const complete = (value: Params = {}) => result({ resultType: 'complete', ...value })
const asks = (inputRequests: Params, requestState?: string) =>
  result({ resultType: 'input_required', inputRequests, ...(requestState === undefined ? {} : { requestState }) })
const name = { method: 'elicitation/create', params: { message: 'Your name?', requestedSchema: { type: 'object' } } }
const joke = { method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } }
const accepted = () => Promise.resolve(result({ action: 'accept', content: { name: 'Ada' } }))

test('leaves an exchange between two of the same era alone', async () => {
  const response = result({ any: 'thing' })
  for (const era of ['legacy', 'modern'] as const) {
    const connection = connectionOf(era, () => response)
    const exchange = exchangeOf(era)
    expect(await carry(connection, exchange, crossingOf())).toBe(response)
    expect(connection.calls[0]).toBe(exchange)
  }
})

describe('the envelope of a legacy client', () => {
  test('says in every request what its session knows', async () => {
    const connection = connectionOf('modern', () => complete())
    const capabilities = {
      tasks: { list: {} },
      roots: { listChanged: true, zz: 1 },
      elicitation: {},
      extensions: { [`${PREFIX}tasks`]: {}, 'com.example/x': { a: 1 } },
      zz: 2,
    }
    const _meta = { progressToken: 7, traceparent: '00-a-b-01', 'com.example/zz': [1] }
    const params = { name: 'tool', arguments: { a: 1 }, task: { ttl: 1 }, zz: 3, _meta }
    await carry(connection, exchangeOf('legacy', { params, caller: { capabilities, level: 'warning' } }), crossingOf())
    expect(connection.calls[0]?.params).toEqual({
      name: 'tool',
      arguments: { a: 1 },
      zz: 3,
      _meta: {
        ..._meta,
        [`${PREFIX}protocolVersion`]: '2026-07-28',
        [`${PREFIX}clientInfo`]: { name: 'client', version: '2' },
        [`${PREFIX}clientCapabilities`]: {
          roots: { zz: 1 },
          elicitation: {},
          extensions: { 'com.example/x': { a: 1 } },
          zz: 2,
        },
        [`${PREFIX}logLevel`]: 'warning',
      },
    })
    expect(connection.calls[0]?.caller).toMatchObject({ era: 'modern', session: 'session' })
  })

  test('has no level and no client info where the client said none', async () => {
    const connection = connectionOf('modern', () => complete())
    await carry(connection, exchangeOf('legacy', { caller: { clientInfo: {}, capabilities: {} } }), crossingOf())
    expect(connection.calls[0]?.params?._meta).toEqual({
      [`${PREFIX}protocolVersion`]: '2026-07-28',
      [`${PREFIX}clientCapabilities`]: {},
    })
  })
})

describe('the questions of a modern server', () => {
  test('are put to the legacy client together, and the call is repeated with the answers', async () => {
    const state = 'opaque " ü \\u0000 +/='
    const connection = connectionOf('modern', (_exchange, nth) =>
      nth === 1 ? asks({ who: name, fun: joke }, state) : complete({ content: [] }),
    )
    const open: RpcRequest[] = []
    const exchange = exchangeOf('legacy', {
      params: { name: 'tool', _meta: { progressToken: 'p' } },
      answer: async (request) => {
        open.push(request)
        while (open.length < 2) await Promise.resolve()
        return result(request.method === name.method ? { action: 'decline' } : { role: 'assistant', zz: 1 })
      },
    })
    expect(resultOf(await carry(connection, exchange, crossingOf()))).toEqual({ content: [] })
    const [first, second] = connection.calls
    expect(exchange.asked.map(({ method, params }) => ({ method, params }))).toEqual([name, joke])
    expect(new Set(exchange.asked.map(({ id }) => id)).size).toBe(2)
    expect(second?.params).toEqual({
      ...first?.params,
      requestState: state,
      inputResponses: { who: { action: 'decline' }, fun: { role: 'assistant', zz: 1 } },
    })
  })

  test('replace those of the round before, answers and state alike', async () => {
    const rounds = [asks({ one: name }, 'first'), asks({ two: name }), asks({}, 'third'), complete()]
    const connection = connectionOf('modern', (_exchange, nth) => rounds[nth - 1] ?? complete())
    await carry(connection, exchangeOf('legacy', { answer: accepted }), crossingOf())
    const retries = connection.calls.map(({ params }) => ({
      state: params?.requestState,
      keys: params?.inputResponses && Object.keys(params.inputResponses),
    }))
    expect(retries).toEqual([
      { state: undefined, keys: undefined },
      { state: 'first', keys: ['one'] },
      { state: undefined, keys: ['two'] },
      { state: 'third', keys: undefined },
    ])
    expect(connection.calls[2]?.params).not.toHaveProperty('requestState')
  })

  test('end after ten rounds', async () => {
    const connection = connectionOf('modern', () => asks({ again: name }))
    const exchange = exchangeOf('legacy', { answer: accepted })
    await expect(carry(connection, exchange, crossingOf())).rejects.toMatchObject({
      code: -32603,
      message: 'Server "fake" asks for more input after 10 rounds',
      facts: { kind: 'too_many_rounds' },
    })
    expect(connection.calls).toHaveLength(11)
    expect(exchange.asked).toHaveLength(10)
  })

  test('get an id for a URL, which only the legacy era has', async () => {
    const url = { method: 'elicitation/create', params: { mode: 'url', url: 'https://example.com', message: 'Go' } }
    const named = { ...url, params: { ...url.params, elicitationId: 'theirs' } }
    const connection = connectionOf('modern', (_exchange, nth) => (nth === 1 ? asks({ url, named }) : complete()))
    const exchange = exchangeOf('legacy', { answer: () => Promise.resolve(result({ action: 'accept' })) })
    await carry(connection, exchange, crossingOf())
    const [first, second] = exchange.asked
    expect(first?.params).toEqual({ ...url.params, elicitationId: expect.stringMatching(/^.{8,}$/) })
    expect(second?.params).toEqual(named.params)
  })

  test('end the call when the client answers one with an error, and take the others back', async () => {
    const connection = connectionOf('modern', () => asks({ who: name, fun: joke }))
    const withdrawn: string[] = []
    const exchange = exchangeOf('legacy', {
      answer: ({ method }, { signal }: Asking) =>
        method === joke.method
          ? Promise.resolve(error(-1, 'User rejected sampling request'))
          : new Promise((_resolve, reject) => {
              signal.addEventListener('abort', () => {
                withdrawn.push(method)
                reject(new Error('withdrawn'))
              })
            }),
    })
    await expect(carry(connection, exchange, crossingOf())).rejects.toMatchObject({
      code: -32603,
      message:
        'The client answered sampling/createMessage of server "fake" with error -1: User rejected sampling request',
      facts: { upstream: 'fake', kind: 'question_failed', retryable: false },
    })
    expect(withdrawn).toEqual(['elicitation/create'])
    expect(connection.calls).toHaveLength(1)
  })

  test('end the call as the way to the client does when it cannot be asked', async () => {
    const connection = connectionOf('modern', () => asks({ fun: joke }))
    const refusal = new RpcFailure(METHOD_NOT_FOUND, 'The client has not declared the capability sampling')
    const exchange = exchangeOf('legacy', { answer: () => Promise.reject(refusal) })
    await expect(carry(connection, exchange, crossingOf())).rejects.toBe(refusal)
  })

  test('are taken back when the client cancels the call', async () => {
    const connection = connectionOf('modern', () => asks({ who: name }))
    const reasons: unknown[] = []
    const exchange = exchangeOf('legacy', {
      answer: (_request, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reasons.push(signal.reason.message) && reject(new Error('gone')))
          exchange.abort('enough')
        }),
    })
    await expect(carry(connection, exchange, crossingOf())).rejects.toThrow('gone')
    expect(reasons).toEqual(['enough'])
  })

  test.each([
    ['an unknown method', { x: { method: 'tools/call', params: {} } }],
    ['no request', { x: 1 }],
    ['a list', [name]],
    ['params that are none', { x: { ...name, params: 1 } }],
  ])('end the call when they are %s', async (_what, inputRequests) => {
    const connection = connectionOf('modern', () => result({ resultType: 'input_required', inputRequests }))
    await expect(carry(connection, exchangeOf('legacy', { answer: accepted }), crossingOf())).rejects.toMatchObject({
      code: -32603,
      facts: { upstream: 'fake', kind: 'broken' },
    })
  })

  test('end the call when there are none, and no state either', async () => {
    const connection = connectionOf('modern', () => result({ resultType: 'input_required' }))
    await expect(carry(connection, exchangeOf('legacy'), crossingOf())).rejects.toThrow('but not for which')
  })

  test('are no result of a method that may not ask', async () => {
    const connection = connectionOf('modern', () => asks({ who: name }))
    const response = await carry(connection, exchangeOf('legacy', { method: 'completion/complete' }), crossingOf())
    expect(errorOf(response).message).toContain('"input_required"')
  })
})

describe('a modern result', () => {
  const signed = (rest: Params) => complete({ _meta: { [`${PREFIX}serverInfo`]: serverInfo }, ...rest })

  test.each([
    ['a tool', 'tools/call', { content: [], zz: 1, ttlMs: 'own' }, { content: [], zz: 1, ttlMs: 'own' }],
    ['a read', 'resources/read', { contents: [], ttlMs: 5, cacheScope: 'public', zz: 1 }, { contents: [], zz: 1 }],
    ['other meta', 'prompts/get', { _meta: { [`${PREFIX}serverInfo`]: {}, a: 1 } }, { _meta: { a: 1 } }],
    ['empty meta', 'prompts/get', { _meta: {} }, { _meta: {} }],
    ['no type', 'tools/call', { resultType: undefined, isError: true }, { isError: true }],
  ])('of %s goes without what only its era has', async (_what, method, given, expected) => {
    const connection = connectionOf('modern', () => signed(given))
    expect(resultOf(await carry(connection, exchangeOf('legacy', { method }), crossingOf()))).toEqual(expected)
  })

  test.each([
    ['a list', [1], undefined, { result: [1] }],
    ['null', null, undefined, { result: null }],
    ['a number', 3, { type: 'number' }, { result: 3 }],
    ['an object', { a: 1 }, { type: 'object' }, { a: 1 }],
    ['an object without schema', { a: 1 }, undefined, { a: 1 }],
    [
      'an object that is one of several',
      { a: 1 },
      { anyOf: [{ type: 'object' }, { type: 'null' }] },
      { result: { a: 1 } },
    ],
  ])('has its structured content wrapped like its schema: %s', async (_what, content, outputSchema, expected) => {
    const connection = connectionOf('modern', () => complete({ structuredContent: content }))
    const crossing = crossingOf(undefined, [{ name: 'other' }, { name: 'tool', outputSchema }])
    expect(resultOf(await carry(connection, exchangeOf('legacy'), crossing))).toEqual({ structuredContent: expected })
  })

  test('of a type nobody told the server to use is an error', async () => {
    const connection = connectionOf('modern', () => result({ resultType: 'task', taskId: '1' }))
    expect(errorOf(await carry(connection, exchangeOf('legacy'), crossingOf()))).toMatchObject({
      code: -32603,
      message: expect.stringContaining('"task"'),
      data: { mcpctl: { upstream: 'fake', kind: 'result_type_unknown', retryable: false } },
    })
  })
})

describe('a modern error', () => {
  const read = { method: 'resources/read', params: { uri: 'test://x' } }

  test.each([
    [
      'not found',
      read,
      error(-32602, 'gone', { uri: 'test://x', zz: 1 }),
      error(-32002, 'gone', { uri: 'test://x', zz: 1 }),
    ],
    ['of another URI', read, error(-32602, 'no', { uri: 'test://y' }), error(-32602, 'no', { uri: 'test://y' })],
    ['of params', read, error(-32602, 'no'), error(-32602, 'no')],
    ['of a tool', {}, error(-32050, 'own', [1]), error(-32050, 'own', [1])],
  ])('%s', async (_what, options, given, expected) => {
    const connection = connectionOf('modern', () => given)
    expect(await carry(connection, exchangeOf('legacy', options), crossingOf())).toEqual(expected)
  })

  test.each([-32020, -32021, -32022])('%i is of one hop and becomes an internal one that says why', async (code) => {
    const connection = connectionOf('modern', () => error(code, 'Nope', { requiredCapabilities: { sampling: {} } }))
    expect(errorOf(await carry(connection, exchangeOf('legacy'), crossingOf()))).toMatchObject({
      code: -32603,
      message: expect.stringMatching(/^Server "fake" (does not|requires).*: Nope$/),
      data: { requiredCapabilities: { sampling: {} }, mcpctl: { upstream: 'fake', kind: 'protocol_mismatch' } },
    })
  })
})

test.each(['tasks/get', 'tasks/result', 'subscriptions/listen', 'server/discover'])(
  'a legacy client finds no %s on a modern server',
  async (method) => {
    const connection = connectionOf('modern', () => complete())
    const response = await carry(connection, exchangeOf('legacy', { method }), crossingOf())
    expect(errorOf(response).code).toBe(METHOD_NOT_FOUND)
    expect(connection.calls).toEqual([])
  },
)
