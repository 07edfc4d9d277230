import type { IncomingMessage, ServerResponse } from 'node:http'
import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { Endpoint, type EndpointOptions } from './endpoint.ts'
import type { Guard } from './guard.ts'
import type { LegacyOptions } from './incoming.ts'
import { LegacyEndpoint } from './legacy.ts'
import type { Listens } from './listens.ts'
import { ModernEndpoint } from './modern.ts'
import { serveRoutes } from './routes.ts'
import { SseEndpoint } from './sse.ts'

export interface ServingOptions
  extends Omit<LegacyOptions, 'principal'>,
    Pick<EndpointOptions, 'maxBody' | 'isServed'> {
  /** Asked for each request: a reload brings a new one. */
  readonly guard: () => Guard
  readonly listens: Listens
  readonly isReady: () => boolean
  readonly log: Log
}

/** Everything a group answers over HTTP: both eras, the oldest transport, the probes. `serve` never rejects. */
export function serving(options: ServingOptions) {
  const { guard, isReady, log } = options
  const principal = (request: IncomingMessage): string => guard().principal(request)
  const legacy: LegacyOptions = { ...options, principal }
  const [sessionStreams, conversations] = [new LegacyEndpoint(legacy), new SseEndpoint(legacy)]
  const endpoint = new Endpoint({
    ...options,
    legacy: sessionStreams,
    sse: conversations,
    modern: new ModernEndpoint({ ...options, principal }),
  })
  const failed = (error: unknown): void => log.error('request failed', { error: messageOf(error) })
  const serve: (request: IncomingMessage, response: ServerResponse) => Promise<void> | void = serveRoutes(
    { guard, endpoint, isReady },
    failed,
  )
  return { serve, sessionStreams, conversations }
}
