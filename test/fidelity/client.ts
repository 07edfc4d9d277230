import type { Era } from './cells.ts'
import type { Exchange, Question } from './exchange.ts'
import type { Json } from './mirror.ts'
import type { Wire } from './wire.ts'

/** What the client of one exchange saw, in order: the statuses of its POSTs and every message. */
export type Transcript = readonly Json[]

/** A client of either era that does what an exchange says and writes down all it sees. */
export interface RawClient {
  /** The result of `initialize` or `server/discover`. */
  readonly greeting: Json
  readonly run: (exchange: Exchange, key: string) => Promise<Transcript>
  /** One request without a script; its answer. */
  readonly ask: (method: string, params?: Json) => Promise<Json>
  /** Takes back the request with that id, in the manner of the era. */
  readonly cancel: (id: Exchange['id'], reason: string) => Promise<void>
  /** Everything that belongs to no request, from now on: list changes, and updates of these resources. */
  readonly listen: (uris: readonly string[]) => Promise<Listening>
}

interface Listening extends Disposable {
  readonly heard: readonly Json[]
}

/** How long an exchange may take before it counts as unanswered. */
const DEADLINE = 20_000

const clientInfo = { name: 'raw', version: '1', 'x-unknown': [null] }
const clientCapabilities = {
  sampling: { 'x-unknown': 1 },
  elicitation: { form: {}, url: {} },
  experimental: { 'x-unknown': {} },
  roots: { listChanged: true },
}

export function connect(era: Era, wire: Wire, url: string): Promise<RawClient> {
  return era === 'legacy' ? connectLegacy(wire, url) : connectModern(wire, url)
}

async function connectLegacy(wire: Wire, url: string): Promise<RawClient> {
  let headers: Readonly<Record<string, string>> = {}
  const send = (message: Json, signal?: AbortSignal) =>
    wire.post({ url, body: { jsonrpc: '2.0', ...message }, headers, ...(signal && { signal }) })
  const ask = async (method: string, params?: Json): Promise<Json> => {
    const { messages, session } = await send({ id: `ask ${method}`, method, ...(params && { params }) })
    if (session !== undefined) headers = { 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' }
    return lastOf(messages)
  }
  const params = { protocolVersion: '2025-11-25', capabilities: clientCapabilities, clientInfo }
  const greeting = await ask('initialize', params)
  await drain((await send({ method: 'notifications/initialized' })).messages)
  await ask('logging/setLevel', { level: 'debug' })

  async function reply(seen: Json[], asked: Json, question: Question | undefined): Promise<void> {
    const token = tokenOf(asked)
    for (const progress of token === undefined ? [] : (question?.progress ?? []))
      await note(seen, { method: 'notifications/progress', params: { ...progress, progressToken: token } })
    await note(seen, { id: asked.id, ...(question?.reply ?? unexpected) })
  }

  async function note(seen: Json[], message: Json): Promise<void> {
    const { status, messages } = await send(message)
    await drain(messages)
    if (status !== 202) seen.push({ refused: status })
  }

  async function run(exchange: Exchange, key: string): Promise<Transcript> {
    const questions = exchange.rounds.flatMap((round) => round.questions)
    const { id, method } = exchange
    return watch(async (seen, signal) => {
      const { status, messages } = await send({ id, method, params: scripted(exchange, key) }, signal)
      seen.push({ status })
      let at = 0
      for await (const message of messages) {
        seen.push(message)
        if (message.method !== undefined && message.id !== undefined) await reply(seen, message, questions[at++])
      }
    })
  }

  async function listen(uris: readonly string[]): Promise<Listening> {
    for (const uri of uris) await ask('resources/subscribe', { uri })
    return collect((signal) => wire.listen(url, headers, signal))
  }

  async function cancel(requestId: Exchange['id'], reason: string): Promise<void> {
    await drain((await send({ method: 'notifications/cancelled', params: { requestId, reason } })).messages)
  }

  return { greeting, run, ask, listen, cancel }
}

/** Writes down what happens, that it failed or never ended included. */
async function watch(happen: (seen: Json[], signal: AbortSignal) => Promise<void>): Promise<Transcript> {
  const seen: Json[] = []
  try {
    await happen(seen, AbortSignal.timeout(DEADLINE))
  } catch (error) {
    seen.push({ failed: String(error) })
  }
  return seen
}

const unexpected = { error: { code: -32603, message: 'The client did not expect this question' } }

async function connectModern(wire: Wire, url: string): Promise<RawClient> {
  const running = new Map<Exchange['id'], AbortController>()
  const send = (id: unknown, method: string, params: Json, signal?: AbortSignal) => {
    const body = { jsonrpc: '2.0', id, method, params: { ...params, _meta: { ...(params._meta ?? {}), ...envelope } } }
    return wire.post({ url, body, headers: headersOf(method, params), ...(signal && { signal }) })
  }
  const ask = async (method: string, params: Json = {}): Promise<Json> =>
    lastOf((await send(`ask ${method}`, method, params)).messages)

  async function run(exchange: Exchange, key: string): Promise<Transcript> {
    const { method, rounds } = exchange
    const asking = rounds.filter(({ questions }) => questions.length > 0)
    const cancelled = new AbortController()
    running.set(exchange.id, cancelled)
    return watch(async (seen, deadline) => {
      const signal = AbortSignal.any([deadline, cancelled.signal])
      let params = scripted(exchange, key)
      for (let round = 0; round <= asking.length; round++) {
        const id = round === 0 ? exchange.id : `${round} more than ${exchange.id}`
        const { status, messages } = await send(id, method, params, signal)
        seen.push({ status })
        for await (const message of messages) seen.push(message)
        const result = (seen.at(-1)?.result ?? {}) as Json
        if (result.resultType !== 'input_required') break
        params = retried(scripted(exchange, key), result, asking[round]?.questions ?? [])
      }
    })
  }

  async function listen(uris: readonly string[]): Promise<Listening> {
    const all = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true }
    const notifications = { ...all, resourceSubscriptions: uris }
    const open = async (signal: AbortSignal) =>
      (await send('listen', 'subscriptions/listen', { notifications }, signal)).messages
    return collect(open)
  }

  async function cancel(id: Exchange['id'], reason: string): Promise<void> {
    running.get(id)?.abort(new Error(reason))
  }

  return { greeting: await ask('server/discover'), run, ask, listen, cancel }
}

async function collect(open: (signal: AbortSignal) => Promise<AsyncIterable<Json>>): Promise<Listening> {
  const over = new AbortController()
  const heard: Json[] = []
  const messages = await open(over.signal)
  const read = async () => {
    for await (const message of messages) heard.push(message)
  }
  // Ending it is the only way it ends; a stream that breaks shows in what is missing.
  void read().catch(() => {})
  return { heard, [Symbol.dispose]: () => over.abort() }
}

const envelope = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': clientInfo,
  'io.modelcontextprotocol/clientCapabilities': clientCapabilities,
  'io.modelcontextprotocol/logLevel': 'debug',
}

/** The request again, with what the server asked for, each reply under the key of its question. */
function retried(params: Json, { inputRequests, requestState }: Json, questions: readonly Question[]): Json {
  const keys = Object.keys((inputRequests ?? {}) as Json)
  const inputResponses = Object.fromEntries(keys.map((key, i) => [key, resultOf(questions[i])]))
  return { ...params, inputResponses, ...(requestState !== undefined && { requestState }) }
}

function resultOf(question: Question | undefined): unknown {
  return question && 'result' in question.reply ? question.reply.result : { action: 'cancel' }
}

function headersOf(method: string, params: Json): Record<string, string> {
  const name = method === 'resources/read' ? params.uri : params.name
  const region = (params.arguments as Json | undefined)?.region
  const isNamed = ['tools/call', 'prompts/get', 'resources/read'].includes(method)
  return {
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': headerText(method),
    ...(isNamed && { 'mcp-name': headerText(String(name)) }),
    ...(method === 'tools/call' && typeof region === 'string' && { 'mcp-param-region': headerText(region) }),
  }
}

/** As the value of a header: what is not plain ASCII, or looks as if it were encoded, is encoded. */
function headerText(value: string): string {
  const isPlain = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value) && !/^=\?base64\?.*\?=$/.test(value)
  return isPlain ? value : `=?base64?${Buffer.from(value).toString('base64')}?=`
}

/** The exchange's parameters with its script in them. */
function scripted({ params, place, rounds, answer, pad, hang }: Exchange, key: string): Json {
  const told = rounds.map(({ questions, ...round }) => ({ ...round, questions: questions.map(bare) }))
  const fidelity = { key, rounds: told, answer, ...(pad !== undefined && { pad }), ...(hang && { hang }) }
  if (place === 'params') return { ...params, fidelity }
  const member = place === 'meta' ? '_meta' : 'arguments'
  return { ...params, [member]: { ...((params[member] ?? {}) as Json), fidelity } }
}

function bare({ method, params }: Question): Json {
  return { method, params }
}

function tokenOf({ params }: Json): unknown {
  return ((params as Json | undefined)?._meta as Json | undefined)?.progressToken
}

async function lastOf(messages: AsyncIterable<Json>): Promise<Json> {
  let last: Json = {}
  for await (const message of messages) last = message
  return last
}

async function drain(messages: AsyncIterable<Json>): Promise<void> {
  for await (const _ of messages);
}
