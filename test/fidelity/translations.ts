import type { Transcript } from './client.ts'
import type { Json } from './mirror.ts'

/** What one era says otherwise than the other: taken to a common form before two of different eras are compared. */
interface Translation {
  readonly what: string
  readonly why: string
  readonly of: (result: Json) => Json
}

const PREFIX = 'io.modelcontextprotocol/'
const envelope = ['protocolVersion', 'clientInfo', 'clientCapabilities', 'logLevel'].map((key) => PREFIX + key)

/** All that differs in the results a client gets when the server is of the other era. */
const results: readonly Translation[] = [
  {
    what: 'resultType, ttlMs and cacheScope',
    why: 'the modern era demands them, the legacy one does not know them',
    of: ({ resultType, ttlMs: _ttl, cacheScope: _scope, ...rest }) =>
      resultType === 'input_required' ? { resultType, ...rest } : rest,
  },
  {
    what: 'the name of the server in _meta',
    why: 'the modern era says it in every result, the legacy one in the first',
    of: (result) => withoutMeta(result, [`${PREFIX}serverInfo`]),
  },
  {
    what: 'structuredContent that is not an object',
    why: 'the legacy era has only objects there, so the value is wrapped',
    of: (result) =>
      'structuredContent' in result && !isRecord(result.structuredContent)
        ? { ...result, structuredContent: { result: result.structuredContent } }
        : result,
  },
  {
    what: 'the keys of questions, the ids of visits to URLs and the state of the request',
    why: 'whoever asks in the modern era chooses them; it has no ids for visits to URLs',
    of: ({ inputRequests, requestState, ...rest }) =>
      isRecord(inputRequests)
        ? { ...rest, questions: Object.values(inputRequests).map(withoutElicitationId) }
        : { ...rest, ...(requestState !== undefined && { requestState }) },
  },
]

/** All that differs in the requests a server gets when the client is of the other era. */
const requests: readonly Translation[] = [
  {
    what: 'the envelope in _meta',
    why: 'the modern era says in every request what the legacy one says in the first',
    of: (params) => withoutMeta(params, envelope),
  },
]

export function translatedSeen(transcript: Transcript): Transcript {
  return transcript.map((message) =>
    isRecord(message.result) ? { ...message, result: apply(results, message.result) } : withoutElicitationId(message),
  )
}

export function translatedReceived(entries: readonly Json[]): readonly Json[] {
  return entries.map(({ request, ...entry }) => {
    if (!isRecord(request) || !isRecord(request.params)) return { ...entry, ...(request !== undefined && { request }) }
    return { ...entry, request: { ...request, params: apply(requests, request.params) } }
  })
}

function withoutElicitationId(question: unknown): Json {
  if (!isRecord(question)) return {}
  if (question.method !== 'elicitation/create' || !isRecord(question.params)) return question
  const { elicitationId: _id, ...params } = question.params
  return { ...question, params }
}

function apply(translations: readonly Translation[], value: Json): Json {
  return translations.reduce((rest, { of }) => of(rest), value)
}

/** An envelope may be all there was in `_meta`: then it says nothing, there or not. */
export function withoutMeta(value: Json, keys: readonly string[]): Json {
  if (!isRecord(value._meta)) return value
  const { _meta, ...rest } = value
  const left = Object.entries(_meta).filter(([key]) => !keys.includes(key))
  return left.length === 0 ? rest : { ...rest, _meta: Object.fromEntries(left) }
}

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
