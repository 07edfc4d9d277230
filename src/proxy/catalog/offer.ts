import type { Server } from '../../config/profile.ts'
import type { Item, Kind, Listing } from '../upstream/listing.ts'
import { cutName } from './names.ts'
import { keys, type Piece, pieceOf, type Shown } from './piece.ts'
import { type Policy, policyOf } from './policy.ts'
import { uiOf } from './user-interface.ts'

/** What one server offers downstream once its filters, renames and overrides are applied. */
export interface Offer {
  readonly server: string
  /** Undefined until the server's lists are first known; then everything below is empty. */
  readonly listing: Listing | undefined
  readonly items: Readonly<Record<Kind, readonly Shown[]>>
  /** The user interfaces its tools point to. */
  readonly interfaces: readonly string[]
  /** What it puts into a list of the group where no other server is in its way; made once. */
  piece(kind: Kind): Piece
  isVisible(kind: Kind, own: string): boolean
}

export function offerOf(server: Server, listing: Listing | undefined): Offer {
  const resources = policyOf(server.resources)
  const policies = { tools: policyOf(server.tools), prompts: policyOf(server.prompts), resources, templates: resources }
  const show = (kind: Kind): readonly Shown[] =>
    (listing?.[kind] ?? []).flatMap((item) => shownOf({ kind, item, policy: policies[kind], prefix: server.prefix }))
  const items = {
    tools: show('tools'),
    resources: show('resources'),
    templates: show('templates'),
    prompts: show('prompts'),
  }
  const pieces = new Map<Kind, Piece>()
  return {
    server: server.name,
    listing,
    items,
    interfaces: items.tools.flatMap(({ item }) => uiOf(item)),
    piece: (kind) => {
      const known = pieces.get(kind)
      if (known) return known
      const piece = pieceOf({ server: server.name, era: listing?.era, kind, items: items[kind] })
      pieces.set(kind, piece)
      return piece
    },
    isVisible: (kind, own) => policies[kind].isVisible(own),
  }
}

interface Candidate {
  readonly kind: Kind
  readonly item: Item
  readonly policy: Policy
  readonly prefix: string
}

function shownOf({ kind, item, policy, prefix }: Candidate): Shown[] {
  const own = item[keys[kind]]
  if (typeof own !== 'string' || !policy.isVisible(own)) return []
  const isNamed = kind === 'tools' || kind === 'prompts'
  const whole = isNamed ? prefix + policy.rename(own) : own
  const shown = isNamed ? cutName(whole) : own
  return [{ own, shown, ...(shown !== whole && { whole }), item: policy.override(own, item) }]
}
