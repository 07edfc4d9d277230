import type { FromProxy } from '../proxy/protocol.ts'
import { isRecord } from '../shared/record.ts'

/** Whether what came over the channel is a message of a proxy; a broken one may send anything. */
export function isFromProxy(message: unknown): message is FromProxy {
  if (!isRecord(message) || typeof message.type !== 'string') return false
  return shapes[message.type as FromProxy['type']]?.(message) === true
}

const shapes = {
  listening: ({ host, port }) => typeof host === 'string' && typeof port === 'number',
  prepared: ({ generation, failures }) =>
    typeof generation === 'number' && Array.isArray(failures) && failures.every(isFailure),
  configured: ({ generation }) => typeof generation === 'number',
  status: ({ state, servers, order }) =>
    typeof state === 'string' &&
    Array.isArray(servers) &&
    servers.every(isRecord) &&
    (order === undefined || Array.isArray(order)),
  stream: ({ word }) => isRecord(word) && (word.to === 'predecessor' || word.to === 'successor'),
  drift: ({ drift }) => isRecord(drift) && typeof drift.server === 'string' && Array.isArray(drift.diff),
  surveyed: ({ servers }) => Array.isArray(servers) && servers.every(isRecord),
  fatal: ({ message }) => typeof message === 'string',
} as const satisfies Record<FromProxy['type'], (message: Record<string, unknown>) => boolean>

function isFailure(value: unknown): boolean {
  return isRecord(value) && typeof value.server === 'string' && typeof value.reason === 'string'
}
