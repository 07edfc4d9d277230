import type { Server } from '../../config/profile.ts'
import type { Item, Kind, Listing } from '../upstream/listing.ts'
import type { Finding } from './compare.ts'
import { inspect, passedOn } from './integrity.ts'
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
  /** In what of it the server is not as it was locked. */
  readonly findings: readonly Finding[]
  /** The user interfaces its tools point to. */
  readonly interfaces: readonly string[]
  /** What it puts into a list of the group where no other server is in its way; made once. */
  piece(kind: Kind): Piece
  isVisible(kind: Kind, own: string): boolean
}

export function offerOf(server: Server, listing: Listing | undefined): Offer {
  const resources = policyOf(server.resources)
  const inspection = inspect(server, listing)
  const policies = { tools: policyOf(server.tools), prompts: policyOf(server.prompts), resources, templates: resources }
  const isBlocked = (kind: Kind, own: string) => kind !== 'resources' && inspection.isBlocked(kind, own)
  const show = (kind: Kind): readonly Shown[] =>
    (listing?.[kind] ?? []).flatMap((item) =>
      shownOf({ kind, item, policy: policies[kind], prefix: server.prefix, isBlocked: (own) => isBlocked(kind, own) }),
    )
  const items = {
    tools: show('tools'),
    resources: show('resources'),
    templates: show('templates'),
    prompts: show('prompts'),
  }
  const pieces = new Map<Kind, Piece>()
  return {
    server: server.name,
    listing: passedOn(listing, inspection),
    items,
    findings: inspection.findings.filter(({ kind, name }) => kind === 'instructions' || policies[kind].isVisible(name)),
    interfaces: items.tools.flatMap(({ item, isBlocked }) => (isBlocked ? [] : uiOf(item))),
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
  readonly isBlocked: (own: string) => boolean
}

function shownOf({ kind, item, policy, prefix, isBlocked }: Candidate): Shown[] {
  const own = item[keys[kind]]
  if (typeof own !== 'string' || !policy.isVisible(own)) return []
  const isNamed = kind === 'tools' || kind === 'prompts'
  const whole = isNamed ? prefix + policy.rename(own) : own
  const shown = isNamed ? cutName(whole) : own
  const flags = { ...(shown !== whole && { whole }), ...(isBlocked(own) && { isBlocked: true }) }
  return [{ own, shown, ...flags, item: policy.override(own, item) }]
}
