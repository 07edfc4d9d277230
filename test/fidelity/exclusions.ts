import type { Era } from './cells.ts'
import type { Transcript } from './client.ts'
import type { Json } from './mirror.ts'

/** A fact of one hop: what differs from hop to hop by its nature, with the reason, taken out before two are compared. */
interface Exclusion {
  readonly what: string
  readonly why: string
  readonly of: (message: Json, era: Era) => Json
}

/** All that is not compared of what a client sees. Nothing else may differ. */
const seenByClients: readonly Exclusion[] = [
  {
    what: 'the id of a question',
    why: 'a request has the id its sender chose for that connection; that the reply finds back is seen at the server',
    of: (message) => (isQuestion(message) ? { ...message, id: 'chosen by the sender' } : message),
  },
  {
    what: 'the progress token in a question',
    why: 'two servers may choose the same one; that the progress comes back under the server’s is seen at the server',
    of: (message) => (isQuestion(message) ? withoutToken(message) : message),
  },
]

/**
 * All that is not compared of what a server sees. Ids, sessions and headers are not even written down: the mirror
 * refuses headers that do not fit their body.
 */
const seenByServers: readonly Exclusion[] = [
  {
    what: 'the progress token of a request',
    why: 'two clients may choose the same one; that progress comes back under the client’s is seen at the client',
    of: ({ request, ...entry }) => (request ? { ...entry, request: withoutToken(request as Json) } : entry),
  },
]

export function comparableSeen(transcript: Transcript, era: Era): Transcript {
  return transcript.map((message) => seenByClients.reduce((rest, { of }) => of(rest, era), message))
}

export function comparableReceived(entries: readonly Json[], era: Era): readonly Json[] {
  return entries.map((entry) => seenByServers.reduce((rest, { of }) => of(rest, era), entry))
}

function isQuestion({ method, id }: Json): boolean {
  return method !== undefined && id !== undefined
}

/** That there is a token stays. */
function withoutToken(message: Json): Json {
  const params = message.params as Json | undefined
  const meta = params?._meta as Json | undefined
  if (meta?.progressToken === undefined) return message
  return { ...message, params: { ...params, _meta: { ...meta, progressToken: 'some token' } } }
}
