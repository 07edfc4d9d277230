import { UriTemplate } from '@modelcontextprotocol/sdk/shared/uriTemplate.js'
import type { Era } from '../mcp/era.ts'
import type { Params } from '../mcp/rpc.ts'
import type { Kind } from '../upstream/listing.ts'
import { fieldsText, type Surrounding, surroundingOf } from './frames.ts'
import { List } from './list.ts'
import { markUri } from './names.ts'
import type { Offer } from './offer.ts'
import { formsOf, type Piece, pieceOf, type Shown, type Target } from './piece.ts'
import { markUi } from './user-interface.ts'

interface TemplateTarget extends Target {
  matches(uri: string): boolean
}

/** A name two items would share: the first in the order of the group has it, the later one is not shown. */
interface Conflict {
  readonly kind: Kind
  readonly name: string
  readonly shownFrom: string
  readonly hiddenFrom: string
}

/** The catalog as the sessions of one address see it: built once per change, immutable, its items already bytes. */
export interface View {
  /** The one server it shows under its own bare names; undefined on the group's own address. */
  readonly server: string | undefined
  /**
   * The results of the list methods, as each era has them: legacy ones whole, e.g. `{"tools":[…]}`; modern ones still
   * open, since how fresh they are is known only when they are served.
   */
  readonly lists: Readonly<Record<Era, Readonly<Record<Kind, List>>>>
  /** The `_meta` of the modern ones. */
  readonly metas: Readonly<Record<Kind, Params | undefined>>
  /** The input schemas of the tools as modern clients see them, by shown name. */
  readonly schemas: Pick<ReadonlyMap<string, unknown>, 'get'>
  /** By shown name, URI or URI template. */
  readonly targets: Readonly<Record<Kind, ReadonlyMap<string, Target>>>
  readonly templates: readonly TemplateTarget[]
  /** User interfaces that tools point to and no list contains. */
  readonly mentioned: ReadonlyMap<string, Target>
  /** Per server, its own URIs that are shown marked because another server has the same: own to shown. */
  readonly marked: ReadonlyMap<string, ReadonlyMap<string, string>>
  readonly offers: readonly Offer[]
  readonly conflicts: readonly Conflict[]
}

/** All servers of the group, in its order: prefixed names, resource URIs as they are but for colliding ones. */
export function mergedView(offers: readonly Offer[]): View {
  const conflicts: Conflict[] = []
  const marked: Marked = new Map()
  const markAgain: Settle = ({ server }, { own }) => mark(marked, server, own)
  const hide =
    (kind: Kind): Settle =>
    (offer, shown, holder) => {
      conflicts.push({ kind, name: shown.shown, shownFrom: holder.server, hiddenFrom: offer.server })
      return undefined
    }
  const resources = collect({ offers, kind: 'resources', settle: markAgain })
  const templates = collect({ offers, kind: 'templates', settle: markAgain })
  const mentioned = mentions(offers, resources.targets, marked)
  const tools = collect({ offers, kind: 'tools', settle: hide('tools'), marked })
  const prompts = collect({ offers, kind: 'prompts', settle: hide('prompts') })
  const kinds = { tools, resources, templates, prompts }
  return assemble({ server: undefined, offers, conflicts, marked, mentioned, kinds })
}

/** One server alone under its own bare names. */
export function bareView(offer: Offer): View {
  const kinds = byKind((kind) => {
    const items = offer.items[kind].map(({ whole: _whole, ...shown }) => ({ ...shown, shown: shown.own }))
    const piece = pieceOf({ server: offer.server, era: offer.listing?.era, kind, items })
    return {
      targets: new Map(piece.names.map((name, index) => [name, targetOf(piece, index)])),
      pieces: unlessEmpty(piece),
    }
  })
  return assemble({
    server: offer.server,
    offers: [offer],
    conflicts: [],
    marked: new Map(),
    mentioned: new Map(),
    kinds,
  })
}

/** Per server, own URI to shown URI. */
type Marked = Map<string, Map<string, string>>

/** What becomes of a name that another server already has: a new one, or undefined to leave the item out. */
type Settle = (offer: Offer, shown: Shown, holder: Target) => string | undefined

interface Collecting {
  readonly offers: readonly Offer[]
  readonly kind: Kind
  readonly settle: Settle
  /** The user interfaces that tools are to point to under another URI. */
  readonly marked?: Marked
}

interface Collected {
  readonly targets: ReadonlyMap<string, Target>
  readonly pieces: readonly Piece[]
}

/** Goes through one kind of all offers. What nobody else's names stand in the way of is there already. */
function collect(collecting: Collecting): Collected {
  const { offers, kind, marked } = collecting
  const targets = new Map<string, Target>()
  const collected = offers.flatMap((offer) => {
    const piece = offer.piece(kind)
    const isFree = piece.isDistinct && !marked?.has(offer.server) && piece.names.every((name) => !targets.has(name))
    if (!isFree) return unlessEmpty(settled(collecting, offer, targets))
    for (const [index, name] of piece.names.entries()) targets.set(name, targetOf(piece, index))
    return unlessEmpty(piece)
  })
  return { targets, pieces: collected }
}

function unlessEmpty(piece: Piece): Piece[] {
  return piece.bytes.legacy.length === 0 ? [] : [piece]
}

function targetOf({ targets }: Piece, index: number): Target {
  const target = targets[index]
  if (target) return target
  throw new RangeError(`a piece has no target ${index}`)
}

/** The piece of a server of which some names are others' already. It may list the very same item twice, if it likes. */
function settled({ kind, settle, marked }: Collecting, offer: Offer, targets: Map<string, Target>): Piece {
  const { server } = offer
  const items = offer.items[kind].flatMap((shown) => {
    const holder = targets.get(shown.shown)
    const isFree = holder === undefined || (holder.server === server && holder.own === shown.own)
    const name = isFree ? shown.shown : settle(offer, shown, holder)
    if (name === undefined) return []
    if (!targets.has(name)) targets.set(name, { server, own: shown.own })
    return [{ ...shown, shown: name, item: markUi(shown.item, marked?.get(server)) }]
  })
  return pieceOf({ server, era: offer.listing?.era, kind, items })
}

function mark(marked: Marked, server: string, own: string): string {
  const uri = markUri(own, server)
  const ofServer = marked.get(server) ?? new Map<string, string>()
  marked.set(server, ofServer.set(own, uri))
  return uri
}

/** The user interfaces that are not listed as resources lead to the server whose tool points to them. */
function mentions(offers: readonly Offer[], listed: ReadonlyMap<string, Target>, marked: Marked) {
  const targets = new Map<string, Target>()
  for (const { server, interfaces } of offers) {
    for (const own of interfaces) {
      if (marked.get(server)?.has(own)) continue
      const holder = listed.get(own) ?? targets.get(own)
      if (holder === undefined) targets.set(own, { server, own })
      else if (holder.server !== server) mark(marked, server, own)
    }
  }
  return targets
}

interface Parts {
  readonly server: string | undefined
  readonly offers: readonly Offer[]
  readonly conflicts: readonly Conflict[]
  readonly marked: ReadonlyMap<string, ReadonlyMap<string, string>>
  readonly mentioned: ReadonlyMap<string, Target>
  readonly kinds: Readonly<Record<Kind, Collected>>
}

function assemble({ kinds, ...rest }: Parts): View {
  const { offers } = rest
  const targets = byKind((kind) => kinds[kind].targets)
  const around = byKind((kind) => surroundingOf(offers, kind))
  const listsOf = (era: Era) => byKind((kind) => listOf({ era, kind, around: around[kind], collected: kinds[kind] }))
  return {
    ...rest,
    targets,
    lists: { legacy: listsOf('legacy'), modern: listsOf('modern') },
    metas: byKind((kind) => around[kind].meta),
    schemas: schemasOf(offers, targets.tools),
    templates: [...targets.templates.values()].flatMap(templateTarget),
  }
}

function byKind<T>(make: (kind: Kind) => T): Readonly<Record<Kind, T>> {
  return { tools: make('tools'), resources: make('resources'), templates: make('templates'), prompts: make('prompts') }
}

const listFields = {
  tools: 'tools',
  resources: 'resources',
  templates: 'resourceTemplates',
  prompts: 'prompts',
} as const

interface ListOf {
  readonly era: Era
  readonly kind: Kind
  readonly around: Surrounding
  readonly collected: Collected
}

/** Modern ones without their last brace. */
function listOf({ era, kind, around, collected }: ListOf): List {
  const isLegacy = era === 'legacy'
  return new List({
    open: `{${isLegacy ? '' : '"resultType":"complete",'}"${listFields[kind]}":[`,
    pieces: collected.pieces.map(({ bytes }) => bytes[era]),
    close: `]${fieldsText(around, era)}${isLegacy ? '}' : ''}`,
  })
}

/** Looked up when asked for: only calls of modern clients repeat arguments in their heads. */
function schemasOf(offers: readonly Offer[], targets: ReadonlyMap<string, Target>): View['schemas'] {
  let byServer: ReadonlyMap<string, Offer> | undefined
  return {
    get(name) {
      byServer ??= new Map(offers.map((offer) => [offer.server, offer]))
      const target = targets.get(name)
      const offer = target && byServer.get(target.server)
      const shown = offer?.items.tools.find(({ own }) => own === target?.own)
      return shown && formsOf('tools', shown.item, offer?.listing?.era).modern.inputSchema
    },
  }
}

/** Made once per target, of which there is one for as long as its server's lists are the same. */
const templateTargets = new WeakMap<Target, readonly TemplateTarget[]>()

function templateTarget(target: Target): readonly TemplateTarget[] {
  const known = templateTargets.get(target)
  if (known) return known
  const made = parsedTemplate(target)
  templateTargets.set(target, made)
  return made
}

/** A template that cannot be parsed is listed as it is, but no URI is routed by it. */
function parsedTemplate(target: Target): readonly TemplateTarget[] {
  try {
    const template = new UriTemplate(target.own)
    return [{ ...target, matches: (uri) => template.match(uri) !== null }]
  } catch {
    return []
  }
}
