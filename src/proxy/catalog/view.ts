import { UriTemplate } from '@modelcontextprotocol/sdk/shared/uriTemplate.js'
import { isRecord } from '../rpc.ts'
import type { Item, Kind } from '../upstream/listing.ts'
import { markUri } from './names.ts'
import { keys, type Offer, type Shown } from './offer.ts'

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
  /** The results of the list methods, e.g. `{"tools":[…]}`. */
  readonly lists: Readonly<Record<Kind, Buffer>>
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
  readonly texts: readonly string[]
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
  const texts: string[] = []
  for (const offer of offers) {
    for (const shown of offer.items[kind]) {
      const holder = targets.get(shown.shown)
      const isFree = holder === undefined || (holder.server === offer.server && holder.own === shown.own)
      const name = isFree ? shown.shown : settle(offer, shown, holder)
      if (name === undefined) continue
      if (!targets.has(name)) targets.set(name, { server: offer.server, own: shown.own })
      texts.push(JSON.stringify({ ...adapt(offer, shown.item), [keys[kind]]: name }))
    }
  }
  return { targets, texts }
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

function uiOf({ _meta: meta }: Item): string[] {
  if (!isRecord(meta)) return []
  const uris = [meta['ui/resourceUri'], isRecord(meta.ui) ? meta.ui.resourceUri : undefined]
  return uris.filter((uri) => typeof uri === 'string')
}

/** A tool points to its user interface by URI, in one of two places: it must be the one that is shown. */
function markUi(item: Item, marked: ReadonlyMap<string, string> | undefined): Item {
  const meta = item._meta
  if (!marked || !isRecord(meta)) return item
  const flat = shownUri(meta['ui/resourceUri'], marked)
  const nested = isRecord(meta.ui) ? shownUri(meta.ui.resourceUri, marked) : undefined
  if (flat === undefined && nested === undefined) return item
  const ui = nested !== undefined && isRecord(meta.ui) ? { ui: { ...meta.ui, resourceUri: nested } } : {}
  return { ...item, _meta: { ...meta, ...ui, ...(flat !== undefined && { 'ui/resourceUri': flat }) } }
}

function shownUri(uri: unknown, marked: ReadonlyMap<string, string>): string | undefined {
  return typeof uri === 'string' ? marked.get(uri) : undefined
}

interface Parts {
  readonly server: string | undefined
  readonly offers: readonly Offer[]
  readonly conflicts: readonly Conflict[]
  readonly marked: ReadonlyMap<string, ReadonlyMap<string, string>>
  readonly mentioned: ReadonlyMap<string, Target>
  readonly kinds: Readonly<Record<Kind, Collected>>
}

function assemble({ kinds: { tools, resources, templates, prompts }, ...rest }: Parts): View {
  return {
    ...rest,
    lists: {
      tools: listBytes('tools', tools),
      resources: listBytes('resources', resources),
      templates: listBytes('resourceTemplates', templates),
      prompts: listBytes('prompts', prompts),
    },
    targets: {
      tools: tools.targets,
      resources: resources.targets,
      templates: templates.targets,
      prompts: prompts.targets,
    },
    templates: [...templates.targets.values()].flatMap(templateTarget),
  }
}

function listBytes(field: string, { texts }: Collected): Buffer {
  return Buffer.from(`{"${field}":[${texts.join(',')}]}`)
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
