import fc from 'fast-check'
import { type Cell, isCrossed } from './cells.ts'
import type { Json } from './mirror.ts'
import { anything, meta, noise, noisy, text } from './noise.ts'
import { anyResult, questions, replies, results } from './shapes.ts'

type Outcome = { readonly result: Json } | { readonly error: Json }

interface Note {
  readonly method: string
  readonly params?: Json
}

/** What a server asks the client in between, and what the client says to it. */
export interface Question {
  readonly method: string
  readonly params: Json
  readonly reply: Outcome
  /** The parameters of the client's progress notifications before its reply; the token is added. */
  readonly progress: readonly Json[]
}

interface Round {
  readonly notifications: readonly Note[]
  readonly questions: readonly Question[]
  /** Further members of the result that asks, in the modern era. */
  readonly extra: Json
}

/** One request, all that happens before its answer, and the answer. */
export interface Exchange {
  readonly id: string | number
  readonly method: string
  readonly params: Json
  /** Where in the request the script stands. */
  readonly place: 'meta' | 'arguments' | 'params'
  readonly rounds: readonly Round[]
  readonly answer: Outcome
  /** Bytes of text, and of a picture, to add to the result. */
  readonly pad?: number
  /** The server never answers. */
  readonly hang?: boolean
}

/** What one address and transport allow. */
export interface Terrain {
  readonly cell: Cell
  /** Own names and URIs that may be asked for; on a server's own address unlisted ones may be added. */
  readonly tools: readonly string[]
  readonly prompts: readonly string[]
  readonly uris: fc.Arbitrary<string>
  readonly templates: readonly string[]
  /** Whether methods that no revision knows reach the server. */
  readonly takesAnyMethod: boolean
  /** Whether messages that name no request can be told to belong to one: not on pipes. */
  readonly hasStreams: boolean
}

const id = fc.oneof(
  fc.integer(),
  fc.constantFrom(0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
  fc.string({ maxLength: 12 }),
  fc.constantFrom('', '0', '1', '9007199254740993', '-1', 'ü\u2028', '12345678901234567890123'),
)

/** Text that UTF-8, and so the head of a request, can carry: no halves of characters. */
const wholeText = text.filter((one) => !/[\ud800-\udfff]/u.test(one))

const token = fc.oneof(fc.nat(), fc.constantFrom(0, -1, 1.5), text)

/** Codes that speak of the hop itself (headers, revision, capabilities of the peer) are the hop's own business. */
const code = fc.oneof(fc.integer({ min: -31_000, max: 99_999 }), fc.constantFrom(-32603, -32602, -32601, -32000))

export function exchanges(terrain: Terrain): fc.Arbitrary<Exchange> {
  const asked = fc.oneof(...requests(terrain))
  return fc
    .tuple(asked, id, fc.option(meta, { nil: undefined }), fc.option(token, { nil: undefined }))
    .chain(([request, requestId, ownMeta, progressToken]) => {
      const hasMeta = ownMeta !== undefined || progressToken !== undefined
      const _meta = { ...ownMeta, ...(progressToken !== undefined && { progressToken }) }
      return fc.record({
        id: fc.constant(requestId),
        method: fc.constant(request.method),
        params: fc.constant({ ...request.params, ...(hasMeta && { _meta }) }),
        place: fc.constantFrom(...placesOf(request.method, hasMeta)),
        rounds: roundsOf(terrain, request.method, progressToken !== undefined),
        answer: answers(terrain.cell, resultOf(request.method)),
      })
    })
}

function resultOf(method: string): fc.Arbitrary<Json> {
  return (Object.hasOwn(results, method) ? results[method] : undefined) ?? anyResult
}

function requests(terrain: Terrain): fc.Arbitrary<{ readonly method: string; readonly params: Json }>[] {
  const of = (method: string, params: fc.Arbitrary<Record<string, unknown>>) =>
    params.map((given) => ({ method, params: given }))
  const name = (names: readonly string[]) => fc.constantFrom(...names)
  const argument = noisy({ name: text, value: text })
  const ref = fc.oneof(
    noisy({ type: fc.constant('ref/prompt'), name: name(terrain.prompts) }, { title: text }),
    noisy({ type: fc.constant('ref/resource'), uri: name(terrain.templates) }),
  )
  // In the modern era the head of a request names its method, which has no way of encoding it.
  const beyond = hasModern(terrain.cell) ? [] : ['ü']
  const vendor = fc
    .constantFrom('vendor/unheard', 'tools/unheard', 'constructor', '__proto__', ...beyond)
    .chain((method) => of(method, noise))
  return [
    of('tools/call', noisy({ name: name(terrain.tools) }, { arguments: noise, extra: anything })),
    of('tools/call', noisy({ name: name(terrain.tools), arguments: noisy({}, { region: wholeText }) })),
    of(
      'prompts/get',
      noisy(
        { name: name(terrain.prompts) },
        { arguments: fc.dictionary(text, text, { maxKeys: 3, noNullPrototype: true }) },
      ),
    ),
    of('resources/read', noisy({ uri: terrain.uris })),
    of('completion/complete', noisy({ ref, argument }, { context: noise })),
    ...(terrain.takesAnyMethod ? [vendor] : []),
  ]
}

function placesOf(method: string, hasMeta: boolean): Exchange['place'][] {
  return [
    ...(hasMeta ? (['meta'] as const) : []),
    ...(method === 'tools/call' ? (['arguments'] as const) : []),
    'params',
  ]
}

/** Only these three may be answered with a question in the modern era. */
const interactive = new Set(['tools/call', 'prompts/get', 'resources/read'])

function roundsOf({ cell, hasStreams }: Terrain, method: string, hasToken: boolean): fc.Arbitrary<Round[]> {
  const mayAsk = interactive.has(method)
  // One question at a time has only one translation into the other era.
  const most = isCrossed(cell) ? 1 : 2
  const round = fc.record({
    notifications: fc.array(note({ cell, hasStreams }, hasToken), { maxLength: 3 }),
    questions: mayAsk ? fc.array(question({ cell, hasStreams }), { maxLength: most }) : fc.constant([]),
    extra: isCrossed(cell) ? fc.constant({}) : noisy({}, { _meta: meta }),
  })
  return fc.array(round, { maxLength: 2 })
}

function note({ cell, hasStreams }: Pick<Terrain, 'cell' | 'hasStreams'>, hasToken: boolean): fc.Arbitrary<Note> {
  const progress = noisy(
    { progress: fc.double({ noNaN: true, noDefaultInfinity: true }) },
    { total: fc.nat(), message: text, _meta: meta },
  )
  const level = fc.constantFrom('debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency')
  const log = noisy({ level, data: anything }, { logger: text, _meta: meta })
  return fc.oneof(
    log.map((params) => ({ method: 'notifications/message', params })),
    ...(hasToken ? [progress.map((params) => ({ method: 'notifications/progress', params }))] : []),
    ...(hasStreams ? [stray(cell)] : []),
  )
}

/** What no request is named in, some of it known to one era only. */
function stray({ client, server }: Cell): fc.Arbitrary<Note> {
  const legacy = ['notifications/elicitation/complete', 'notifications/tasks/status']
  const methods = ['notifications/vendor/unheard', ...(client === 'legacy' && server === 'legacy' ? legacy : [])]
  return fc.tuple(fc.constantFrom(...methods), noise).map(([method, params]) => ({ method, params }))
}

function question({ cell, hasStreams }: Pick<Terrain, 'cell' | 'hasStreams'>): fc.Arbitrary<Question> {
  const isLegacy = cell.client === 'legacy' && cell.server === 'legacy'
  const of = (method: keyof typeof replies, params: fc.Arbitrary<Json>): fc.Arbitrary<Question> =>
    fc.record({
      method: fc.constant(method),
      params: isLegacy ? fc.tuple(params, fc.boolean()).map(withToken) : params,
      reply: isLegacy ? outcome(replies[method]) : replies[method].map((result) => ({ result })),
      progress: isLegacy ? fc.array(noisy({ progress: fc.nat() }, { _meta: meta }), { maxLength: 2 }) : fc.constant([]),
    })
  return fc.oneof(
    of('elicitation/create', questions.form),
    of('elicitation/create', questions.url),
    of('sampling/createMessage', questions.sampling),
    // A process that clients share is told of no client's roots.
    ...(hasStreams ? [of('roots/list', questions.roots)] : []),
  )
}

/** A server that wants to hear of progress; the mirror chooses the token. */
function withToken([params, wants]: readonly [Json, boolean]): Json {
  if (!wants) return params
  const given = params._meta as Json | undefined
  return { ...params, _meta: { ...given, progressToken: 'chosen by the server' } }
}

function hasModern({ client, server }: Cell): boolean {
  return client === 'modern' || server === 'modern'
}

/** Legacy servers alone may ask for a visit to a URL by an error; the other era makes a question of it. */
function answers(cell: Cell, result: fc.Arbitrary<Json>): fc.Arbitrary<Outcome> {
  const visit = noisy({ code: fc.constant(-32042), message: text }, { data: anything }).map((error) => ({ error }))
  return hasModern(cell)
    ? outcome(result)
    : fc.oneof({ weight: 19, arbitrary: outcome(result) }, { weight: 1, arbitrary: visit })
}

function outcome(result: fc.Arbitrary<Json>): fc.Arbitrary<Outcome> {
  const error = noisy({ code, message: text }, { data: anything })
  return fc.oneof(
    { weight: 4, arbitrary: result.map((given) => ({ result: given })) },
    { weight: 1, arbitrary: error.map((given) => ({ error: given })) },
  )
}
