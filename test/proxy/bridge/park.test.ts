import { describe, expect, onTestFinished, test } from 'vitest'
import { carry } from '../../../src/proxy/bridge/carry.ts'
import { Parking, type ParkingOptions } from '../../../src/proxy/bridge/parking.ts'
import type { Exchange } from '../../../src/proxy/mcp/exchange.ts'
import {
  isRecord,
  METHOD_NOT_FOUND,
  type Params,
  type RpcRequest,
  type RpcResponse,
} from '../../../src/proxy/mcp/rpc.ts'
import { LinkFailure } from '../../../src/proxy/upstream/failure.ts'
import { defer } from '../../../src/shared/async.ts'
import { waitFor } from '../../helpers/wait.ts'
import {
  connectionOf,
  crossingOf,
  type ExchangeOptions,
  error,
  errorOf,
  exchangeOf,
  result,
  resultOf,
  serverInfo,
} from './fake.ts'

const PREFIX = 'io.modelcontextprotocol/'
const signature = { _meta: { [`${PREFIX}serverInfo`]: serverInfo } }
const envelope = {
  [`${PREFIX}protocolVersion`]: '2026-07-28',
  [`${PREFIX}clientInfo`]: { name: 'client', version: '2' },
  [`${PREFIX}clientCapabilities`]: {},
  [`${PREFIX}logLevel`]: 'info',
}
const name = request('elicitation/create', { message: 'Your name?' })
const joke = request('sampling/createMessage', { messages: [], maxTokens: 1 })

function request(method: string, params?: Params): RpcRequest {
  return { jsonrpc: '2.0', id: 'theirs', method, ...(params ? { params } : {}) }
}

function lotOf(options: ParkingOptions = {}): Parking {
  const parking = new Parking(options)
  onTestFinished(() => parking[Symbol.dispose]())
  return parking
}

/** Puts a question the way a legacy connection does, under a signal that nobody aborts. */
function ask({ sink }: Exchange, question: RpcRequest, signal = new AbortController().signal): Promise<RpcResponse> {
  return sink.request(question, { signal, progressed: () => {} })
}

/** A legacy server that does as it is told by the test: `call` is the exchange it has to answer. */
function scripted(script: (call: Exchange) => Promise<RpcResponse>, parking = lotOf()) {
  const connection = connectionOf('legacy', (call) =>
    Promise.race([
      script(call),
      new Promise<never>((_resolve, reject) => {
        call.signal.addEventListener('abort', () => reject(new Error(`cancelled: ${text(call.signal.reason)}`)))
      }),
    ]),
  )
  const crossing = crossingOf(parking)
  const send = (params: Params = {}, rest: ExchangeOptions = {}) => {
    const exchange = exchangeOf('modern', { ...rest, params: { name: 'tool', ...params } })
    return { exchange, response: carry(connection, exchange, crossing) }
  }
  return { connection, parking, crossing, send }
}

function text(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason)
}

/** The questions and the state of a response that asks. */
async function asked(response: Promise<RpcResponse>): Promise<{ inputRequests: Params; requestState: string }> {
  const { resultType, inputRequests, requestState } = resultOf(await response)
  expect(resultType).toBe('input_required')
  if (!isRecord(inputRequests) || typeof requestState !== 'string') throw new Error('no questions')
  return { inputRequests, requestState }
}

const progress = (progressToken: unknown, nth: number) => ({
  jsonrpc: '2.0' as const,
  method: 'notifications/progress',
  params: { progressToken, progress: nth },
})
const log = (level: string, data: string) => ({
  jsonrpc: '2.0' as const,
  method: 'notifications/message',
  params: { level, data },
})

describe('a modern client and a legacy server', () => {
  test('leave the envelope between them', async () => {
    const { connection, send } = scripted(async () => result({ content: [], zz: 1, _meta: { a: 1 } }))
    const { response } = send({ _meta: { ...envelope, progressToken: 1, traceparent: 't' }, inputResponses: {}, zz: 2 })
    expect(resultOf(await response)).toEqual({
      content: [],
      zz: 1,
      resultType: 'complete',
      _meta: { a: 1, ...signature._meta },
    })
    expect(connection.calls[0]).toMatchObject({ method: 'tools/call', caller: { era: 'legacy' } })
    expect(connection.calls[0]?.params).toEqual({ name: 'tool', zz: 2, _meta: { progressToken: 1, traceparent: 't' } })
    await send({ _meta: envelope }).response
    expect(connection.calls[1]?.params).toEqual({ name: 'tool' })
  })

  test('agree that what was read is stale at once', async () => {
    const { send } = scripted(async () => result({ contents: [], ttlMs: 'own' }))
    expect(resultOf(await send({ uri: 'x:y' }, { method: 'resources/read' }).response)).toEqual({
      contents: [],
      ...signature,
      resultType: 'complete',
      ttlMs: 0,
      cacheScope: 'private',
    })
  })

  test.each([
    [-32002, -32602],
    [-32020, -32603],
    [-32021, -32603],
    [-32022, -32603],
    [-32050, -32050],
  ])('have error %i as %i, the rest verbatim', async (code, expected) => {
    const { send } = scripted(async () => error(code, 'as said', { uri: 'x:y' }))
    expect(errorOf(await send().response)).toEqual({ code: expected, message: 'as said', data: { uri: 'x:y' } })
  })

  test.each(['ping', 'logging/setLevel', 'resources/subscribe', 'initialize', 'tasks/get'])(
    'have no %s',
    async (method) => {
      const { connection, send } = scripted(async () => result({}))
      expect(errorOf(await send({}, { method }).response).code).toBe(METHOD_NOT_FOUND)
      expect(connection.calls).toEqual([])
    },
  )

  test('share a cancellation, with its reason', async () => {
    const { send } = scripted(() => new Promise(() => {}))
    const { exchange, response } = send()
    exchange.abort('stream closed')
    await expect(response).rejects.toThrow('cancelled: stream closed')
  })

  test('share a failure of the way as it is', async () => {
    const failure = new LinkFailure('unreachable', 'gone')
    const { send } = scripted(() => Promise.reject(failure))
    await expect(send().response).rejects.toBe(failure)
  })

  test('share the notifications that the request asked for', async () => {
    const { send } = scripted(async ({ sink }) => {
      const other = { jsonrpc: '2.0' as const, method: 'notifications/zz' }
      const messages = [progress('p', 1), log('debug', 'no'), log('error', 'yes'), other]
      for (const one of messages) sink.notify(one)
      sink.notify({ jsonrpc: '2.0', method: 'notifications/elicitation/complete', params: { elicitationId: '1' } })
      return result({})
    })
    const loud = send({ _meta: { progressToken: 'p' } }, { caller: { level: 'info' } })
    const quiet = send()
    await Promise.all([loud.response, quiet.response])
    expect(loud.exchange.told.map(({ method, params }) => params?.data ?? method)).toEqual([
      'notifications/progress',
      'yes',
      'notifications/zz',
    ])
    expect(quiet.exchange.told.map(({ method }) => method)).toEqual(['notifications/zz'])
  })
})

describe('a question in the middle of a call', () => {
  test('is the result, and its answer comes with the next request', async () => {
    const { connection, parking, send } = scripted(async (call) => {
      const answer = await ask(call, request('elicitation/create', { ...name.params, _meta: { progressToken: 1 } }))
      return result({ content: [resultOf(answer)], id: answer.id })
    })
    const { inputRequests, requestState } = await asked(send({ arguments: { a: 1, b: 2 } }).response)
    expect(inputRequests).toEqual({ 'question-1': { method: name.method, params: name.params } })
    expect(parking.size).toBe(1)
    const inputResponses = { 'question-1': { action: 'accept', content: { zz: 1 } }, 'nobody-asked': {} }
    const retry = send({ arguments: { b: 2, a: 1 }, requestState, inputResponses })
    expect(resultOf(await retry.response)).toMatchObject({
      resultType: 'complete',
      content: [{ action: 'accept', content: { zz: 1 } }],
      id: 'theirs',
    })
    expect(connection.calls).toHaveLength(1)
    expect(parking.size).toBe(0)
  })

  test('goes to the client together with the others of that moment', async () => {
    const { send } = scripted(async (call) => {
      const answers = await Promise.all([ask(call, name), ask(call, joke), ask(call, request('roots/list'))])
      return result({ answers: answers.map(resultOf) })
    })
    const { inputRequests, requestState } = await asked(send().response)
    expect(inputRequests).toEqual({
      'question-1': { method: name.method, params: name.params },
      'question-2': { method: joke.method, params: joke.params },
      'question-3': { method: 'roots/list' },
    })
    const some = send({ requestState, inputResponses: { 'question-2': { b: 2 } } })
    const again = await asked(some.response)
    expect(Object.keys(again.inputRequests)).toEqual(['question-1', 'question-3'])
    const inputResponses = { 'question-1': { a: 1 }, 'question-3': { c: 3 } }
    const rest = send({ requestState: again.requestState, inputResponses })
    expect(resultOf(await rest.response).answers).toEqual([{ a: 1 }, { b: 2 }, { c: 3 }])
  })

  test('may be one of many, round after round', async () => {
    const { send } = scripted(async (call) => {
      const answers: unknown[] = []
      for (let round = 1; round <= 12; round++) answers.push(resultOf(await ask(call, name)).nth)
      return result({ answers })
    })
    let response = send().response
    for (let round = 1; round <= 12; round++) {
      const { requestState } = await asked(response)
      response = send({ requestState, inputResponses: { [`question-${round}`]: { nth: round } } }).response
    }
    expect(resultOf(await response).answers).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  })

  test('holds what the server says meanwhile, and tells it first, under the newest token', async () => {
    const going = defer<void>()
    const { send } = scripted(async (call) => {
      call.sink.notify(progress('first', 1))
      const answer = ask(call, name)
      await going.promise
      for (const one of [progress('first', 2), log('info', 'held')]) call.sink.notify(one)
      await answer
      call.sink.notify(progress('first', 3))
      return result({})
    })
    const first = send({ _meta: { progressToken: 'first' } })
    const { requestState } = await asked(first.response)
    going.resolve()
    await Promise.resolve()
    const meta = { _meta: { progressToken: 2 }, requestState, inputResponses: { 'question-1': {} } }
    const second = send(meta, { caller: { level: 'info' } })
    await second.response
    expect(first.exchange.told).toEqual([progress('first', 1)])
    expect(second.exchange.told).toEqual([progress(2, 2), log('info', 'held'), progress(2, 3)])
  })

  test('that the server takes back is not put to the client', async () => {
    const withdrawn = new AbortController()
    const { send } = scripted(async (call) => {
      const first = ask(call, name, withdrawn.signal).catch(text)
      withdrawn.abort()
      return result({ first: await first })
    })
    expect(resultOf(await send().response).first).toBe('The request was cancelled')
  })

  test('that the server took back meanwhile is not missed', async () => {
    const withdrawn = new AbortController()
    const { send } = scripted(async (call) => {
      await ask(call, name, withdrawn.signal).catch(text)
      return result({ content: ['went on'] })
    })
    const { requestState } = await asked(send().response)
    withdrawn.abort()
    const retry = send({ requestState, inputResponses: { 'question-1': {} } })
    expect(resultOf(await retry.response).content).toEqual(['went on'])
  })

  test.each([
    ['a capability', { elicitation: {} }, joke, METHOD_NOT_FOUND],
    ['a mode', { elicitation: {} }, request('elicitation/create', { mode: 'url', url: 'x:y' }), -32602],
    ['a method', {}, request('zz/ask'), METHOD_NOT_FOUND],
  ])('is answered with an error where the client has not declared %s', async (_what, capabilities, question, code) => {
    const { parking, send } = scripted(async (call) => {
      const answer = await ask(call, question).catch((refusal: unknown) => refusal)
      return result({ code: isRecord(answer) ? answer.code : undefined })
    })
    expect(resultOf(await send({}, { caller: { capabilities } }).response).code).toBe(code)
    expect(parking.size).toBe(0)
  })

  test.each([
    [joke, {}, { sampling: {} }],
    [request(joke.method, { tools: [] }), { sampling: {} }, { sampling: { tools: {} } }],
    [name, { elicitation: { url: {} } }, { elicitation: { form: {} } }],
    [request('roots/list'), {}, { roots: {} }],
  ])(
    'that the server cannot do without is a missing capability of the client: %j',
    async (question, capabilities, required) => {
      const { send } = scripted((call) => ask(call, question).catch(({ code }) => error(code, 'No way')))
      expect(errorOf(await send({}, { caller: { capabilities } }).response)).toEqual({
        code: -32021,
        message: 'No way',
        data: { requiredCapabilities: required },
      })
    },
  )

  test('that was refused does not change what the server says for another reason', async () => {
    const { send } = scripted((call) => ask(call, joke).catch(() => error(-32050, 'as said')))
    expect(errorOf(await send({}, { caller: { capabilities: {} } }).response).code).toBe(-32050)
  })

  test('is answered with an error during a request that may not be interrupted', async () => {
    const { send } = scripted(async (call) => result({ why: await ask(call, name).catch(text) }))
    const { response } = send({}, { method: 'completion/complete' })
    expect(resultOf(await response).why).toBe(
      'The client cannot be asked elicitation/create during completion/complete',
    )
  })

  test('of a URL goes without the id that only the legacy era has', async () => {
    const url = { mode: 'url', url: 'https://example.com', message: 'Go' }
    const { send } = scripted(async (call) => ask(call, request('elicitation/create', { ...url, elicitationId: 'x' })))
    const { inputRequests } = await asked(send().response)
    expect(inputRequests).toEqual({ 'question-1': { method: 'elicitation/create', params: url } })
  })
})

describe('a parked call', () => {
  const askOnce = async (call: Exchange) => result({ answer: resultOf(await ask(call, name)) })
  const answered = { 'question-1': { a: 1 } }

  test('is not cancelled by its client going away, but by the next request of it', async () => {
    const { connection, parking, send } = scripted(async (call) => {
      await ask(call, name)
      return new Promise(() => {})
    })
    const first = send()
    const { requestState } = await asked(first.response)
    first.exchange.abort('stream closed')
    expect(connection.calls[0]?.signal.aborted).toBe(false)
    const second = send({ requestState, inputResponses: answered })
    await waitFor(() => connection.calls.length === 1)
    await Promise.resolve()
    second.exchange.abort('closed again')
    await expect(second.response).rejects.toThrow('cancelled: closed again')
    expect(parking.size).toBe(0)
  })

  test('is cancelled when nobody was there to take its state', async () => {
    const closing = exchangeOf('modern')
    class Late extends Parking {
      override seal(...owner: Parameters<Parking['seal']>): string {
        closing.abort('just now')
        return super.seal(...owner)
      }
    }
    const { connection, parking, crossing } = scripted(askOnce, new Late())
    await carry(connection, closing, crossing)
    expect(connection.calls[0]?.signal.aborted).toBe(true)
    expect(parking.size).toBe(0)
  })

  test('is cancelled when the client does not come back', async () => {
    const { connection, parking, send } = scripted(askOnce, lotOf({ patience: 50 }))
    const { requestState } = await asked(send().response)
    await waitFor(() => connection.calls[0]?.signal.aborted)
    expect(connection.calls[0]?.signal.reason).toBe('The client did not come back with input')
    expect(parking.size).toBe(0)
    await expect(send({ requestState, inputResponses: answered }).response).rejects.toMatchObject({ code: -32602 })
  })

  test('keeps its outcome for the client', async () => {
    const over = defer<RpcResponse>()
    const { connection, send } = scripted((call) => {
      ask(call, name).catch(() => {})
      return over.promise
    })
    const { requestState } = await asked(send().response)
    over.resolve(result({ content: ['without the answer'] }))
    await Promise.resolve()
    const retry = send({ requestState, inputResponses: answered })
    expect(resultOf(await retry.response).content).toEqual(['without the answer'])
    await expect(send({ requestState, inputResponses: answered }).response).rejects.toThrow('a call that is over')
    expect(connection.calls).toHaveLength(1)
  })

  test('tells of a lost server in a way that nobody repeats', async () => {
    const { send } = scripted(async (call) => {
      await ask(call, name)
      throw new LinkFailure('ended', 'the process exited')
    })
    const { requestState } = await asked(send().response)
    await expect(send({ requestState, inputResponses: answered }).response).rejects.toMatchObject({
      code: -31001,
      message: 'Server "fake" is not available: the process exited',
    })
  })

  test('goes on with one request at a time', async () => {
    const going = defer<void>()
    const { send } = scripted(async (call) => {
      await ask(call, name)
      await going.promise
      return result({})
    })
    const { requestState } = await asked(send().response)
    const both = [1, 2].map(() => send({ requestState, inputResponses: answered }).response)
    const refused = Promise.any(
      both.map((one) =>
        one.then(
          () => Promise.reject(new Error('no')),
          (why) => why,
        ),
      ),
    )
    expect(await refused).toMatchObject({ code: -32602, message: expect.stringContaining('Another request') })
    going.resolve()
    const outcomes = await Promise.allSettled(both)
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })

  test('ends with the proxy', async () => {
    const { connection, parking, send } = scripted(askOnce)
    await asked(send().response)
    parking[Symbol.dispose]()
    expect(connection.calls[0]?.signal.reason).toBe('The proxy is being stopped')
    expect(parking.size).toBe(0)
  })

  test.each([
    ['another tool', { name: 'other' }, {}],
    ['other arguments', { arguments: { a: 2 } }, {}],
    ['another method', {}, { method: 'prompts/get' }],
    ['another principal', {}, { caller: { principal: 'you' } }],
  ])('is not gone on with by %s', async (_what, params, rest) => {
    const { send } = scripted(askOnce)
    const given = { name: 'tool', arguments: { a: 1 } }
    const mine = { caller: { principal: 'me' } }
    const { requestState } = await asked(send(given, mine).response)
    const other = send({ ...given, ...params, requestState, inputResponses: answered }, { ...mine, ...rest })
    await expect(other.response).rejects.toMatchObject({
      code: -32602,
      message: expect.stringContaining('requestState'),
    })
    const own = send({ ...given, requestState, inputResponses: answered }, mine)
    expect(resultOf(await own.response).answer).toEqual({ a: 1 })
  })

  test('is not gone on with through another server', async () => {
    const { connection, crossing, send } = scripted(askOnce)
    const { requestState } = await asked(send().response)
    const exchange = exchangeOf('modern', { params: { name: 'tool', requestState } })
    await expect(carry(connection, exchange, { ...crossing, upstream: 'other' })).rejects.toThrow('another request')
  })

  test.each([
    ['text', 'whatever'],
    ['no text', { a: 1 }],
    ['nothing', null],
  ])('is not found by a state of %s', async (_what, requestState) => {
    const { connection, send } = scripted(askOnce)
    await expect(send({ requestState }).response).rejects.toMatchObject({ code: -32602 })
    expect(connection.calls).toEqual([])
  })

  test('is not found by the state of another proxy', async () => {
    const { requestState } = await asked(scripted(askOnce).send().response)
    await expect(scripted(askOnce).send({ requestState }).response).rejects.toThrow('is not known here')
  })

  test.each([[[]], [1], [{ 'question-1': 'yes' }], [{ 'question-1': null }]])(
    'waits on when the answers are %j',
    async (inputResponses) => {
      const { send } = scripted(askOnce)
      const { requestState } = await asked(send().response)
      await expect(send({ requestState, inputResponses }).response).rejects.toMatchObject({ code: -32602 })
      const retry = send({ requestState, inputResponses: answered })
      expect(resultOf(await retry.response).answer).toEqual({ a: 1 })
    },
  )

  test.each([
    ['all', { all: 2, perServer: 9, perPrincipal: 9 }],
    ['one server', { all: 9, perServer: 2, perPrincipal: 9 }],
    ['one principal', { all: 9, perServer: 9, perPrincipal: 2 }],
  ])('has room only within the bound of %s', async (_what, bounds) => {
    const { connection, parking, send } = scripted(askOnce, lotOf({ bounds }))
    const mine = { caller: { principal: 'me' } }
    const [first] = await Promise.all([1, 2].map(() => asked(send({}, mine).response)))
    await expect(send({}, mine).response).rejects.toMatchObject({ code: -31003, facts: { kind: 'overloaded' } })
    expect(connection.calls.map(({ signal }) => signal.aborted)).toEqual([false, false, true])
    await send({ requestState: first?.requestState, inputResponses: answered }, mine).response
    expect(parking.size).toBe(1)
    await asked(send({}, mine).response)
  })
})

describe('"URL elicitation required"', () => {
  const url = { mode: 'url', url: 'https://example.com/connect', message: 'Connect', zz: 1 }
  const needsUrl = error(-32042, 'Visit first', { elicitations: [{ ...url, elicitationId: 'x' }] })
  const visited = { 'url-1': { action: 'accept' } }

  test('is a question, and the next request begins anew', async () => {
    const answers = [needsUrl, result({ content: [] })]
    const { connection, send } = scripted(async () => answers[connection.calls.length - 1] ?? result({}))
    const { inputRequests, requestState } = await asked(send({ _meta: envelope }).response)
    expect(inputRequests).toEqual({ 'url-1': { method: 'elicitation/create', params: url } })
    const retry = send({ _meta: envelope, requestState, inputResponses: visited })
    expect(resultOf(await retry.response).content).toEqual([])
    expect(connection.calls.map(({ params }) => params)).toEqual([{ name: 'tool' }, { name: 'tool' }])
  })

  test('is not asked again of who declined', async () => {
    const { connection, send } = scripted(async () => needsUrl)
    const { requestState } = await asked(send().response)
    const retry = send({ requestState, inputResponses: { 'url-1': { action: 'decline' } } })
    await expect(retry.response).rejects.toMatchObject({ code: -32603, facts: { kind: 'question_failed' } })
    expect(connection.calls).toHaveLength(1)
  })

  test('is a missing capability of a client that cannot be shown URLs', async () => {
    const { send } = scripted(async () => needsUrl)
    expect(errorOf(await send({}, { caller: { capabilities: { elicitation: {} } } }).response)).toMatchObject({
      code: -32021,
      data: { requiredCapabilities: { elicitation: { url: {} } } },
    })
  })

  test.each([[undefined], [{ elicitations: [] }], [{ elicitations: ['x'] }]])(
    'is an internal error when it says %j',
    async (data) => {
      const { send } = scripted(async () => error(-32042, 'Visit first', data))
      expect(errorOf(await send().response)).toMatchObject({ code: -32603, message: 'Visit first' })
    },
  )
})
