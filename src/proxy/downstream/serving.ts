import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Log } from '../../shared/log.ts'
import { Endpoint, type EndpointOptions } from './endpoint.ts'
import { entrance } from './entrance.ts'
import type { Guard } from './guard.ts'
import type { LegacyOptions } from './incoming.ts'
import { LegacyEndpoint } from './legacy.ts'
import type { Listens } from './listens.ts'
import { ModernEndpoint } from './modern.ts'
import { Rates } from './rates.ts'
import { SseEndpoint } from './sse.ts'

export interface ServingOptions extends LegacyOptions, Pick<EndpointOptions, 'isServed'> {
  /** Asked for each request: a reload brings a new one. */
  readonly guard: () => Guard
  readonly listens: Listens
  readonly isReady: () => boolean
  readonly log: Log
}

/** Everything a group answers over HTTP: both eras, the oldest transport, the probes. `serve` never rejects. */
export function serving(options: ServingOptions) {
  const { guard, isReady, limits, log } = options
  const [sessionStreams, conversations] = [new LegacyEndpoint(options), new SseEndpoint(options)]
  const endpoint = new Endpoint({
    ...options,
    legacy: sessionStreams,
    sse: conversations,
    modern: new ModernEndpoint(options),
  })
  const rates = new Rates(() => limits().maxRate)
  const serve: (request: IncomingMessage, response: ServerResponse) => Promise<void> | void = entrance({
    guard,
    rates,
    endpoint,
    isReady,
    log,
  })
  return { serve, sessionStreams, conversations }
}
