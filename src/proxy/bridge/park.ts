import { checkCapability, requiredFor } from '../mcp/capability.ts'
import type { Exchange } from '../mcp/exchange.ts'
import {
  errorResponse,
  INTERNAL_ERROR,
  INVALID_PARAMS,
  isError,
  isRecord,
  MISSING_CAPABILITY,
  type Params,
  type RpcError,
  RpcFailure,
  type RpcResponse,
} from '../mcp/rpc.ts'
import type { Connection } from '../upstream/connection.ts'
import { LinkFailure } from '../upstream/failure.ts'
import { unavailable } from '../upstream/refusal.ts'
import type { Crossing } from './crossing.ts'
import { addSignature } from './envelope.ts'
import { isInterruptible } from './methods.ts'
import { modernResponse, URL_ELICITATION_REQUIRED } from './modern-response.ts'
import type { Answers } from './open-questions.ts'
import { ParkedCall, type Turn } from './parked-call.ts'

/**
 * Carries a modern client's exchange to a legacy server: without its envelope, and when the server asks something in
 * the middle, only as far as the question. The answer then comes with the client's next request, which goes on with
 * the same call (MCP: Multi Round-Trip Requests).
 */
export function park(connection: Connection, exchange: Exchange, crossing: Crossing): Promise<RpcResponse> {
  const passage = { connection, exchange, crossing }
  const isAnew = exchange.params?.requestState === undefined || !isInterruptible(exchange.method)
  return isAnew ? begin(passage) : resume(passage, exchange.params ?? {})
}

interface Passage {
  readonly connection: Connection
  readonly exchange: Exchange
  readonly crossing: Crossing
}

async function resume(passage: Passage, { requestState, inputResponses }: Params): Promise<RpcResponse> {
  const { exchange, crossing } = passage
  const call = crossing.parking.open(requestState, { upstream: crossing.upstream, exchange })
  const answers = answersOf(inputResponses)
  return call ? goOn(call, answers, passage) : beginAnew(answers, passage)
}

async function begin(passage: Passage): Promise<RpcResponse> {
  const { connection, exchange, crossing } = passage
  const { upstream, parking: lot } = crossing
  const call = new ParkedCall({ upstream, caller: exchange.caller, lot })
  return respond(await call.start(connection, exchange), call, passage)
}

/** The server refused until a URL was visited: whoever declined that need not be asked the same again. */
function beginAnew(answers: Answers, passage: Passage): Promise<RpcResponse> {
  const refused = Object.values(answers).find(({ action }) => action !== 'accept')
  if (refused === undefined) return begin(passage)
  const { upstream } = passage.crossing
  const message = `Server "${upstream}" cannot go on: what it asked for was declined or cancelled`
  throw new RpcFailure(INTERNAL_ERROR, message, { upstream, kind: 'question_failed', retryable: false })
}

async function goOn(call: ParkedCall, answers: Answers, passage: Passage): Promise<RpcResponse> {
  try {
    return await respond(await call.attach(passage.exchange, answers), call, passage)
  } catch (error) {
    // What was half done cannot be done again from here: only the client can begin anew.
    if (error instanceof LinkFailure) throw unavailable({ upstream: call.upstream, reason: error.sentence })
    throw error
  }
}

function respond(turn: Turn, call: ParkedCall, passage: Passage): Promise<RpcResponse> | RpcResponse {
  if (turn.kind === 'asked') return ask(turn.inputRequests, passage, call)
  const { response } = turn
  if (isError(response)) return fail(response, call, passage)
  return modernResponse(response, passage.exchange, passage.connection.greeting.serverInfo)
}

/** What is an error in the legacy era can be a question in the modern one, or an error of its own. */
async function fail(response: RpcError, call: ParkedCall, passage: Passage): Promise<RpcResponse> {
  const { error } = response
  const required = call.missingFor(error)
  if (required) return missing(required, error.message)
  const isUrl = error.code === URL_ELICITATION_REQUIRED && isInterruptible(passage.exchange.method)
  const inputRequests = isUrl ? urlRequests(response) : undefined
  if (inputRequests) return askUrls(inputRequests, error.message, passage)
  return modernResponse(response, passage.exchange, passage.connection.greeting.serverInfo)
}

/** A request that needs what its client has not declared (MCP: Basic, Per-request protocol fields). */
function missing(requiredCapabilities: Params, message: string): RpcError {
  return errorResponse(null, MISSING_CAPABILITY, message, { requiredCapabilities })
}

async function ask(inputRequests: Params, passage: Passage, call?: ParkedCall): Promise<RpcResponse> {
  const { connection, exchange, crossing } = passage
  const requestState = crossing.parking.seal({ upstream: crossing.upstream, exchange }, call)
  // Nobody will ever learn of the state: the call would wait in vain.
  if (exchange.signal.aborted) call?.cancel('The client is gone')
  const result = addSignature({ inputRequests, requestState }, connection.greeting.serverInfo, 'input_required')
  return { jsonrpc: '2.0', id: 0, result }
}

function answersOf(inputResponses: unknown): Answers {
  if (inputResponses === undefined) return {}
  if (isAnswers(inputResponses)) return inputResponses
  throw new RpcFailure(INVALID_PARAMS, 'params.inputResponses must be an object of results')
}

function isAnswers(value: unknown): value is Answers {
  return isRecord(value) && Object.values(value).every(isRecord)
}

/** What "URL elicitation required" wants the user to visit; undefined when it cannot be read. */
function urlRequests({ error }: RpcError): Params | undefined {
  const elicitations = isRecord(error.data) ? error.data.elicitations : undefined
  if (!Array.isArray(elicitations) || elicitations.length === 0 || !elicitations.every(isRecord)) return undefined
  const requests = elicitations.map(({ elicitationId: _id, ...params }, index) => [
    `url-${index + 1}`,
    { method: 'elicitation/create', params: { ...params, mode: 'url' } },
  ])
  return Object.fromEntries(requests)
}

/** The call is over, but may succeed once the URLs were visited: the next request begins it anew. */
async function askUrls(inputRequests: Params, message: string, passage: Passage): Promise<RpcResponse> {
  const visit = { method: 'elicitation/create', params: { mode: 'url' } }
  try {
    checkCapability(visit, passage.exchange.caller.capabilities)
  } catch {
    // That it may not be asked is the answer; what is missing is what the client can act on.
    return missing(requiredFor(visit), message)
  }
  return ask(inputRequests, passage)
}
