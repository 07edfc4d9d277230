import { unmarkUri } from '../catalog/names.ts'
import type { Offer } from '../catalog/offer.ts'
import type { Target } from '../catalog/piece.ts'
import type { View } from '../catalog/view.ts'
import type { Era } from '../mcp/era.ts'
import { isLevel, type Level } from '../mcp/levels.ts'
import {
  INVALID_PARAMS,
  INVALID_REQUEST,
  isRecord,
  METHOD_NOT_FOUND,
  type Params,
  RESOURCE_NOT_FOUND,
} from '../mcp/rpc.ts'
import type { Kind } from '../upstream/listing.ts'

/** The decision where one request goes. */
export type Route =
  /** Answered here, without any upstream. */
  | { readonly to: 'pong' }
  | { readonly to: 'discover' }
  | { readonly to: 'list'; readonly kind: Kind }
  | { readonly to: 'level'; readonly level: Level }
  | { readonly to: 'refuse'; readonly code: number; readonly message: string; readonly data?: unknown }
  | { readonly to: 'upstream'; readonly server: string; readonly params: Params | undefined }
  /** Nobody listed this URI: whoever of these knows it. */
  | { readonly to: 'anyOf'; readonly servers: readonly string[]; readonly params: Params }
  /** What a task's server is asked about it, if it is the caller's task. */
  | { readonly to: 'task'; readonly id: string; readonly params: Params }
  /** The caller's tasks of all these servers. */
  | { readonly to: 'tasks'; readonly servers: readonly string[]; readonly params: Params }
  | { readonly to: 'subscribe' | 'unsubscribe'; readonly target: Target; readonly params: Params }

/** What a request is routed by. */
export interface Asked {
  readonly method: string
  readonly params?: Params | undefined
  readonly era: Era
}

/** The server a URI was learned from, for URIs that no list contains. */
export type Learned = (uri: string) => string | undefined

interface Context {
  readonly view: View
  readonly era: Era
  readonly method: string
  readonly params: Params
  readonly learned: Learned
}

/** Undefined where it is a method like any other: of a server without tasks. */
type Table = Readonly<Record<string, (context: Context) => Route | undefined>>

const common: Table = {
  'tools/list': (context) => list('tools', context),
  'prompts/list': (context) => list('prompts', context),
  'resources/list': (context) => list('resources', context),
  'resources/templates/list': (context) => list('templates', context),
  'tools/call': (context) => byName('tools', context),
  'prompts/get': (context) => byName('prompts', context),
  'resources/read': read,
  'completion/complete': complete,
}

const tables: Readonly<Record<Era, Table>> = {
  legacy: {
    ...common,
    // It begins a session and cannot be part of one: passed on, it would begin the shared one of its server anew.
    initialize: () => ({ to: 'refuse', code: INVALID_REQUEST, message: 'The session is initialized already' }),
    ping: () => ({ to: 'pong' }),
    'resources/subscribe': (context) => subscription('subscribe', context),
    'resources/unsubscribe': (context) => subscription('unsubscribe', context),
    'logging/setLevel': setLevel,
    'tasks/list': tasks,
    'tasks/get': task,
    'tasks/result': task,
    'tasks/cancel': task,
    // Passed on, they would leave a server of the other era with a stream nobody reads.
    'subscriptions/listen': absent,
  },
  modern: {
    ...common,
    'server/discover': () => ({ to: 'discover' }),
    'tasks/get': task,
    'tasks/update': task,
    'tasks/cancel': task,
    // Requests of the legacy era that this one has not.
    initialize: absent,
    ping: absent,
    'resources/subscribe': absent,
    'resources/unsubscribe': absent,
    'logging/setLevel': absent,
    'tasks/list': absent,
    'tasks/result': absent,
  },
}

/** Pure: the view says where names and URIs lead, the method says what to do with them. */
export function route(view: View, { method, params, era }: Asked, learned: Learned): Route {
  if (!isMetaSound(params?._meta)) return refuse('params._meta must be an object, its progressToken text or a number')
  const table = tables[era]
  const decide = Object.hasOwn(table, method) ? table[method] : undefined
  const decided = decide?.({ view, era, method, params: params ?? {}, learned })
  if (decided) return decided
  return view.server === undefined ? absent() : { to: 'upstream', server: view.server, params }
}

function absent(): Route {
  return { to: 'refuse', code: METHOD_NOT_FOUND, message: 'Method not found' }
}

function task({ view, era, params }: Context): Route | undefined {
  if (view.server !== undefined && !view.offers.some(hasTasks)) return undefined
  if (era === 'legacy' && !view.offers.some(hasTasks)) return undefined
  const { taskId } = params
  return typeof taskId === 'string' ? { to: 'task', id: taskId, params } : refuse('params.taskId must be a string')
}

function tasks({ view, params }: Context): Route | undefined {
  const able = view.offers.filter(hasTasks)
  if (view.server !== undefined) return able.length === 0 ? undefined : { to: 'tasks', servers: [view.server], params }
  const servers = able.filter(({ listing }) => isListable(listing)).map(({ server }) => server)
  if (servers.length === 0) return undefined
  return params.cursor === undefined ? { to: 'tasks', servers, params } : refuse('Invalid cursor')
}

/** Of the core in the legacy era, an extension in the modern one. */
function hasTasks({ listing }: Offer): boolean {
  const { tasks: core, extensions } = listing?.capabilities ?? {}
  return isRecord(core) || (isRecord(extensions) && isRecord(extensions[TASKS]))
}

function isListable(listing: Offer['listing']): boolean {
  const core = listing?.capabilities.tasks
  return isRecord(core) && isRecord(core.list)
}

const TASKS = 'io.modelcontextprotocol/tasks'

/** Servers made with the SDK drop a request with any other `_meta` without an answer. */
function isMetaSound(meta: unknown): boolean {
  if (meta === undefined) return true
  if (!isRecord(meta)) return false
  return ['undefined', 'string', 'number'].includes(typeof meta.progressToken)
}

/** Lists come in one page, so no cursor was ever given out. */
function list(kind: Kind, { params }: Context): Route {
  if (params.cursor === undefined) return { to: 'list', kind }
  return refuse('Invalid cursor')
}

const nouns = { tools: 'tool', prompts: 'prompt' } as const

function byName(kind: 'tools' | 'prompts', { view, params }: Context): Route {
  const { name } = params
  if (typeof name !== 'string') return refuse('params.name must be a string')
  const target = named(view, kind, name)
  if (!target) return refuse(`Unknown ${nouns[kind]}: ${name}`)
  return to(target, name, params, 'name')
}

/** On a server's own address a name need not be listed: it only must not be filtered out. */
function named(view: View, kind: Kind, name: string): Target | undefined {
  const target = view.targets[kind].get(name)
  if (target || view.server === undefined) return target
  return view.offers[0]?.isVisible(kind, name) ? { server: view.server, own: name } : undefined
}

/** The very same params when there is nothing to change. */
function to({ server, own }: Target, given: string, params: Params, key: string): Route {
  return { to: 'upstream', server, params: own === given ? params : { ...params, [key]: own } }
}

function read(context: Context): Route {
  const { uri } = context.params
  if (typeof uri !== 'string') return refuse('params.uri must be a string')
  const found = locate(uri, context)
  if (found.length > 1) return { to: 'anyOf', servers: found.map(({ server }) => server), params: context.params }
  const [target] = found
  return target ? to(target, uri, context.params, 'uri') : notFound(uri, context.era)
}

function subscription(verb: 'subscribe' | 'unsubscribe', context: Context): Route {
  const { uri } = context.params
  if (typeof uri !== 'string') return refuse('params.uri must be a string')
  const target = only(locate(uri, context))
  return target ? { to: verb, target, params: context.params } : notFound(uri, context.era)
}

/** The one server a URI leads to, for what is not tried out on several; undefined when that is not certain. */
export function locateOnly(uri: string, found: Pick<Context, 'view' | 'learned'>): Target | undefined {
  return only(locate(uri, found))
}

/** By list, by mark, by template, by what was learned; else every server that has resources may know it. */
function locate(uri: string, { view, learned }: Pick<Context, 'view' | 'learned'>): readonly Target[] {
  const exact = view.targets.resources.get(uri) ?? view.mentioned.get(uri)
  if (exact) return [exact]
  const guesses = [unmarkUri(uri), view.templates.find((template) => template.matches(uri)), from(learned(uri), uri)]
  for (const guess of guesses) {
    const target = guess && { server: guess.server, own: 'matches' in guess ? uri : guess.own }
    if (target && isReadable(view, target)) return [target]
  }
  return view.offers
    .filter(({ server, listing }) => view.server === server || isRecord(listing?.capabilities.resources))
    .map(({ server }) => ({ server, own: uri }))
    .filter((target) => isReadable(view, target))
}

/** What changes something, or asks with a purpose, is not tried out on several servers. */
function only([target, ...others]: readonly Target[]): Target | undefined {
  return others.length === 0 ? target : undefined
}

function from(server: string | undefined, uri: string): Target | undefined {
  return server === undefined ? undefined : { server, own: uri }
}

function isReadable(view: View, { server, own }: Target): boolean {
  return view.offers.some((offer) => offer.server === server && offer.isVisible('resources', own))
}

function complete(context: Context): Route {
  const { view, params } = context
  const { ref } = params
  if (!isRecord(ref)) return refuse('params.ref must be an object')
  // Its type says what is meant: a resource may be given a name besides, as far as anybody knows.
  if (ref.type !== 'ref/resource' && typeof ref.name === 'string') {
    const target = named(view, 'prompts', ref.name)
    return target ? completion(target, params, { ...ref, name: target.own }) : refuse(`Unknown prompt: ${ref.name}`)
  }
  if (typeof ref.uri !== 'string') return refuse('params.ref must name a prompt or a resource')
  const target = view.targets.templates.get(ref.uri) ?? only(locate(ref.uri, context))
  return target ? completion(target, params, { ...ref, uri: target.own }) : notFound(ref.uri, context.era)
}

function completion({ server }: Target, params: Params, ref: Params): Route {
  return { to: 'upstream', server, params: { ...params, ref } }
}

function setLevel({ params }: Context): Route {
  const { level } = params
  return isLevel(level) ? { to: 'level', level } : refuse(`Invalid log level: ${String(level)}`)
}

function refuse(message: string): Route {
  return { to: 'refuse', code: INVALID_PARAMS, message }
}

/** The code for a resource that is not there. */
export function notFoundCode(era: Era): number {
  return era === 'legacy' ? RESOURCE_NOT_FOUND : INVALID_PARAMS
}

function notFound(uri: string, era: Era): Route {
  return { to: 'refuse', code: notFoundCode(era), message: `Resource not found: ${uri}`, data: { uri } }
}
