import { UriTemplate } from '@modelcontextprotocol/sdk/shared/uriTemplate.js'
import { legacyItem, modernItem } from '../bridge/items.ts'
import type { Era } from '../mcp/era.ts'
import { withMeta } from '../mcp/meta.ts'
import type { Params } from '../mcp/rpc.ts'
import type { Item, Kind } from '../upstream/listing.ts'
import { fieldsText, surroundingOf } from './frames.ts'
import { markUri } from './names.ts'
import { keys, type Offer, type Shown } from './offer.ts'
import { markUi, uiOf } from './user-interface.ts'

/** Where a name or URI leads. */
export interface Target {
  readonly server: string
  /** The server's own name, URI or URI template. */
  readonly own: string
}

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

/** The catalog as the sessions of one address see it: built once per change, immutable, its lists already bytes. */
export interface View {
  /** The one server it shows under its own bare names; undefined on the group's own address. */
  readonly server: string | undefined
  /**
   * The results of the list methods, as each era has them: legacy ones whole, e.g. `{"tools":[…]}`; modern ones still
   * open, since how fresh they are is known only when they are served.
   */
  readonly lists: Readonly<Record<Era, Readonly<Record<Kind, Buffer>>>>
  /** The `_meta` of the modern ones. */
  readonly metas: Readonly<Record<Kind, Params | undefined>>
  /** The input schemas of the tools as modern clients see them, by shown name. */
  readonly schemas: ReadonlyMap<string, unknown>
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
  const marked = new Map<string, Map<string, string>>()
  const resources = collect(offers, 'resources', (offer, { own }) => mark(marked, offer.server, own))
  const templates = collect(offers, 'templates', (offer, { own }) => mark(marked, offer.server, own))
  const mentioned = mentions(offers, resources.targets, marked)
  const hide = (kind: Kind) => (offer: Offer, shown: Shown, holder: Target) => {
    conflicts.push({ kind, name: shown.shown, shownFrom: holder.server, hiddenFrom: offer.server })
    return undefined
  }
  const tools = collect(offers, 'tools', hide('tools'), (offer, item) => markUi(item, marked.get(offer.server)))
  const prompts = collect(offers, 'prompts', hide('prompts'))
  const kinds = { tools, resources, templates, prompts }
  return assemble({ server: undefined, offers, conflicts, marked, mentioned, kinds })
}

/** One server alone under its own bare names. */
export function bareView(offer: Offer): View {
  const bare = (kind: Kind) => collect([bareOffer(offer, kind)], kind, () => undefined)
  const kinds = {
    tools: bare('tools'),
    resources: bare('resources'),
    templates: bare('templates'),
    prompts: bare('prompts'),
  }
  return assemble({
    server: offer.server,
    offers: [offer],
    conflicts: [],
    marked: new Map(),
    mentioned: new Map(),
    kinds,
  })
}

function bareOffer(offer: Offer, kind: Kind): Offer {
  const bare = offer.items[kind].map(({ own, item }) => ({ own, shown: own, item }))
  return { ...offer, items: { ...offer.items, [kind]: bare } }
}

interface Collected {
  readonly targets: Map<string, Target>
  readonly texts: Readonly<Record<Era, readonly string[]>>
  /** Of tools; by shown name. */
  readonly schemas: ReadonlyMap<string, unknown>
}

/**
 * Goes through one kind of all offers. A name that another server already has is settled by `settle`: a new name, or
 * undefined to leave the item out. A server may list the very same item twice, if it likes.
 */
function collect(
  offers: readonly Offer[],
  kind: Kind,
  settle: (offer: Offer, shown: Shown, holder: Target) => string | undefined,
  adapt: (offer: Offer, item: Item) => Item = (_offer, item) => item,
): Collected {
  const targets = new Map<string, Target>()
  const texts: Record<Era, string[]> = { legacy: [], modern: [] }
  const schemas = new Map<string, unknown>()
  for (const offer of offers) {
    for (const shown of offer.items[kind]) {
      const holder = targets.get(shown.shown)
      const isFree = holder === undefined || (holder.server === offer.server && holder.own === shown.own)
      const name = isFree ? shown.shown : settle(offer, shown, holder)
      if (name === undefined) continue
      if (!targets.has(name)) targets.set(name, { server: offer.server, own: shown.own })
      const item = forms(kind, named({ ...adapt(offer, shown.item), [keys[kind]]: name }, shown), offer.listing?.era)
      const legacy = JSON.stringify(item.legacy)
      texts.legacy.push(legacy)
      texts.modern.push(item.modern === item.legacy ? legacy : JSON.stringify(item.modern))
      if (isFree && item.modern.inputSchema !== undefined) schemas.set(name, item.modern.inputSchema)
    }
  }
  return { targets, texts, schemas }
}

/** A cut name says whose it is no more: the whole one goes along for those who want to know. */
function named(item: Item, { whole }: Shown): Item {
  if (whole === undefined) return item
  return withMeta(item, { 'mcpctl/name': whole })
}

/** An item as each era's clients can take it: mostly one and the same. */
function forms(kind: Kind, item: Item, era: Era | undefined): Readonly<Record<Era, Item>> {
  if (era === 'modern') return { legacy: legacyItem(kind, item), modern: item }
  return { legacy: item, modern: modernItem(kind, item) }
}

function mark(marked: Map<string, Map<string, string>>, server: string, own: string): string {
  const uri = markUri(own, server)
  const ofServer = marked.get(server) ?? new Map<string, string>()
  marked.set(server, ofServer.set(own, uri))
  return uri
}

/** The user interfaces that are not listed as resources lead to the server whose tool points to them. */
function mentions(
  offers: readonly Offer[],
  listed: ReadonlyMap<string, Target>,
  marked: Map<string, Map<string, string>>,
) {
  const targets = new Map<string, Target>()
  for (const { server, items } of offers) {
    for (const own of items.tools.flatMap(({ item }) => uiOf(item))) {
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

function assemble({ kinds: collected, ...rest }: Parts): View {
  const { offers } = rest
  const targets = byKind((kind) => collected[kind].targets)
  return {
    ...rest,
    targets,
    lists: {
      legacy: byKind((kind) => listBytes('legacy', kind, collected[kind], offers)),
      modern: byKind((kind) => listBytes('modern', kind, collected[kind], offers)),
    },
    metas: byKind((kind) => surroundingOf(offers, kind).meta),
    schemas: collected.tools.schemas,
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

/** Modern ones without their last brace. */
function listBytes(era: Era, kind: Kind, { texts }: Collected, offers: readonly Offer[]): Buffer {
  const list = `"${listFields[kind]}":[${texts[era].join(',')}]${fieldsText(surroundingOf(offers, kind), era)}`
  return Buffer.from(era === 'legacy' ? `{${list}}` : `{"resultType":"complete",${list}`)
}

/** A template that cannot be parsed is listed as it is, but no URI is routed by it. */
function templateTarget(target: Target): TemplateTarget[] {
  try {
    const template = new UriTemplate(target.own)
    return [{ ...target, matches: (uri) => template.match(uri) !== null }]
  } catch {
    return []
  }
}
