import { pause } from '../../shared/async.ts'
import type { Exchange } from '../mcp/exchange.ts'
import {
  INTERNAL_ERROR,
  isError,
  isRecord,
  type Params,
  RpcFailure,
  type RpcRequest,
  type RpcResponse,
} from '../mcp/rpc.ts'
import type { Connection } from '../upstream/connection.ts'
import { across } from './across.ts'
import type { Crossing } from './crossing.ts'
import { addEnvelope } from './envelope.ts'
import { toRequest } from './input-request.ts'
import { legacyResponse, legacyText } from './legacy-response.ts'
import { isInterruptible } from './methods.ts'
import { withoutAnswers } from './request-state.ts'

/** How often a server may ask before the call is given up: more than any dialogue, less than for ever. */
const MOST_ROUNDS = 10
/** How long a person may think about the questions of one round. */
const PATIENCE_MS = 10 * 60_000
/** A server that wants to be asked again, without a question, gets this much longer every time. */
const AGAIN_MS = 50

/**
 * Carries a legacy client's exchange to a modern server: where the server answers with questions, they are put to the
 * client as requests, and the call is repeated with the answers (MCP: Multi Round-Trip Requests, Client Requirements).
 * A client that answers a question with an error ends the call with it: the modern era has no way to tell the server.
 */
export async function drive(connection: Connection, exchange: Exchange, crossing: Crossing): Promise<RpcResponse> {
  const { sink, signal } = exchange
  const given = withoutTask(withoutAnswers(exchange.params))
  const params = addEnvelope(given, exchange.caller, connection.greeting.protocolVersion)
  let retry: Params = {}
  for (let round = 0; ; round++) {
    const response = await connection.call(across(exchange, { params: { ...params, ...retry }, sink, signal }))
    const text = legacyText(response, exchange, crossing)
    if (text) return text
    if (!isQuestioning(response, exchange.method)) return legacyResponse(response, exchange, crossing)
    if (round === MOST_ROUNDS) throw failure(crossing, 'too_many_rounds', `asks for more input after ${round} rounds`)
    retry = await answer({ result: response.result, round, exchange, crossing })
  }
}

/** A server that has no tasks goes on as if none were wanted (MCP: Tasks, 2025-11-25, Task Support and Handling). */
function withoutTask(params: Params | undefined): Params | undefined {
  if (params?.task === undefined) return params
  const { task: _task, ...rest } = params
  return rest
}

function isQuestioning(response: RpcResponse, method: string): response is RpcResponse & { readonly result: Params } {
  return !isError(response) && response.result.resultType === 'input_required' && isInterruptible(method)
}

interface Round {
  readonly result: Params
  readonly round: number
  readonly exchange: Exchange
  readonly crossing: Crossing
}

/** What the next request carries beside the params: the state exactly as it came, and an answer to every question. */
async function answer({ result, round, exchange, crossing }: Round): Promise<Params> {
  const { inputRequests, requestState } = result
  const state = requestState === undefined ? {} : { requestState }
  const questions = questionsOf(inputRequests, crossing)
  if (questions.length > 0) return { ...state, inputResponses: await ask({ questions, exchange, crossing }) }
  if (requestState === undefined) throw failure(crossing, 'broken', 'asks for input, but not for which')
  await pause(AGAIN_MS * round, exchange.signal)
  return state
}

interface Question {
  readonly key: string
  readonly request: RpcRequest
}

function questionsOf(inputRequests: unknown, crossing: Crossing): readonly Question[] {
  if (inputRequests === undefined) return []
  if (!isRecord(inputRequests)) throw failure(crossing, 'broken', 'asks for input in a way that cannot be read')
  return Object.entries(inputRequests).map(([key, asked]) => {
    const request = toRequest(asked)
    if (request) return { key, request }
    throw failure(crossing, 'broken', `asks the client for what no client answers, as ${JSON.stringify(key)}`)
  })
}

interface Asked {
  readonly questions: readonly Question[]
  readonly exchange: Exchange
  readonly crossing: Crossing
}

/** All questions of a round at the same time; the first that fails takes the others back. */
async function ask({ questions, exchange: { sink, signal }, crossing }: Asked): Promise<Params> {
  const over = new AbortController()
  const end = () => over.abort(signal.reason)
  const late = setTimeout(() => over.abort(), PATIENCE_MS)
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  try {
    const asking = { signal: over.signal, progressed: () => {} }
    const answers = questions.map(async ({ key, request }) => {
      const response = await sink.request(request, asking)
      return [key, resultOf(response, request.method, crossing)] as const
    })
    return Object.fromEntries(await Promise.all(answers))
  } finally {
    clearTimeout(late)
    signal.removeEventListener('abort', end)
    over.abort()
  }
}

function resultOf(response: RpcResponse, method: string, { upstream }: Crossing): Params {
  if (!isError(response)) return response.result
  const { code, message } = response.error
  const text = `The client answered ${method} of server "${upstream}" with error ${code}: ${message}`
  throw new RpcFailure(INTERNAL_ERROR, text, { upstream, kind: 'question_failed', retryable: false })
}

function failure({ upstream }: Crossing, kind: string, what: string): RpcFailure {
  return new RpcFailure(INTERNAL_ERROR, `Server "${upstream}" ${what}`, { upstream, kind, retryable: false })
}
