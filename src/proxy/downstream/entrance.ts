import type { IncomingMessage, ServerResponse } from 'node:http'
import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { INTERNAL_ERROR } from '../mcp/rpc.ts'
import { allowOrigin, preflight } from './cors.ts'
import { type Denial, deny, isDenial, overloaded, refusal } from './denial.ts'
import type { Endpoint } from './endpoint.ts'
import type { Guest } from './gate.ts'
import type { Guard } from './guard.ts'
import type { Rates } from './rates.ts'
import { type Act, finder, type HttpRoute } from './routes.ts'
import type { Visit } from './visit.ts'

export interface EntranceOptions {
  /** Asked each time: a reload brings a new one. */
  readonly guard: () => Guard
  readonly rates: Rates
  readonly endpoint: Endpoint
  readonly isReady: () => boolean
  readonly log: Log
}

/** The one way in: guard, path, method, in this order for every route there is. */
export function entrance(options: EntranceOptions) {
  const find = finder()
  const handlers = handlersOf(options)
  const serve = (request: IncomingMessage, response: ServerResponse): Promise<void> | void => {
    const guard = options.guard()
    const denial = guard.check(request)
    if (denial) return deny(response, denial)
    allowOrigin(request, response)
    const { route, server } = find(request.url ?? '')
    const visit = { request, response, server, principal: '' }
    if (!guard.gate || isOpen(route, request)) return act(handlers, route, visit)
    const guest = guard.gate.admit({ request, server })
    if (guest instanceof Promise)
      return guest.then((known) => (response.destroyed ? undefined : receive(route, visit, known)))
    return receive(route, visit, guest)
  }
  /** Whoever was asked who it is. */
  const receive = (route: HttpRoute | undefined, visit: Visit, guest: Guest | Denial): Promise<void> | void => {
    const known = isDenial(guest) ? guest : (tooFast(options, guest) ?? guest)
    note(options.log, visit, known)
    if (isDenial(known)) return deny(visit.response, known)
    const { request, response, server } = visit
    return act(handlers, route, { request, response, server, principal: known.principal })
  }
  return (request: IncomingMessage, response: ServerResponse): Promise<void> | void => {
    const broke = (error: unknown): void => {
      options.log.error('request failed', { error: messageOf(error) })
      deny(response, { status: 500, code: INTERNAL_ERROR, message: 'Internal error' })
    }
    try {
      return serve(request, response)?.catch(broke)
    } catch (error) {
      broke(error)
    }
  }
}

/** A browser's preflight cannot carry a token, and its answer says nothing that is not public. */
function isOpen(route: HttpRoute | undefined, { method }: IncomingMessage): boolean {
  return route !== undefined && (route.isPublic || method === 'OPTIONS')
}

/** Said once in the log when it begins: whose token it is helps to find what asks so often. */
function tooFast({ rates, log }: EntranceOptions, { principal, name }: Guest): Denial | undefined {
  const { wait, isFirst } = rates.take(principal, performance.now())
  if (isFirst) log.warn('too many requests', { token: name })
  return wait === 0 ? undefined : overloaded(429, 'Too many requests with this token', wait)
}

/** Who came, by name; of the URL only the path, since a query may hold what is secret. */
function note(log: Log, { request: { method, url } }: Visit, guest: Guest | Denial): void {
  const what = { method, path: url?.split('?', 1)[0] }
  if (isDenial(guest)) log.debug('request refused', { ...what, status: guest.status, reason: guest.message })
  else log.debug('request', { ...what, token: guest.name })
}

function act(handlers: Handlers, route: HttpRoute | undefined, visit: Visit): Promise<void> | void {
  const { request, response } = visit
  if (!route) return deny(response, refusal(404, 'Not Found'))
  if (request.method === 'OPTIONS') return preflight(request, response)
  const handler = Object.hasOwn(route.methods, request.method ?? '') ? route.methods[request.method ?? ''] : undefined
  if (handler) return handlers[handler](visit)
  return deny(response, refusal(405, 'Method Not Allowed', { allow: Object.keys(route.methods).join(', ') }))
}

type Handler = (visit: Visit) => Promise<void> | void
type Handlers = Readonly<Record<Act, Handler>>

function handlersOf({ endpoint, isReady, guard }: EntranceOptions): Handlers {
  return {
    post: (visit: Visit) => endpoint.post(visit),
    get: (visit: Visit) => endpoint.get(visit),
    delete: (visit: Visit) => endpoint.delete(visit),
    stream: (visit: Visit) => endpoint.stream(visit),
    message: (visit: Visit) => endpoint.message(visit),
    live: (visit: Visit) => word(visit, true),
    ready: (visit: Visit) => word(visit, isReady()),
    metadata: (visit: Visit) => metadata(visit, guard()),
  }
}

function word({ response }: Visit, isGood: boolean): void {
  response.writeHead(isGood ? 200 : 503, { 'content-type': 'text/plain' }).end(isGood ? 'ok\n' : 'unavailable\n')
}

/** Said of any name of a server alike: whether it is there is not for everybody. */
function metadata({ request, response, server }: Visit, { gate }: Guard): void {
  const document = gate?.metadata?.({ request, server })
  if (!document) deny(response, refusal(404, 'Not Found'))
  else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))
}
