import type { Server } from '../../config/profile.ts'
import type { Item, Kind, Listing } from '../upstream/listing.ts'
import { cutName } from './names.ts'
import { type Policy, policyOf } from './policy.ts'

/** One item as it may be shown: still under the server's own name, the profile's overrides in place. */
export interface Shown {
  /** The server's own name, URI or URI template. */
  readonly own: string
  /** The name on the group's own address; URIs and URI templates stay what they are. */
  readonly shown: string
  /** The shown name before it was cut to what hosts accept; undefined where it did not have to be. */
  readonly whole?: string
  readonly item: Item
}

/** What one server offers downstream once its filters, renames and overrides are applied. */
export interface Offer {
  readonly server: string
  /** Undefined until the server's lists are first known; then everything below is empty. */
  readonly listing: Listing | undefined
  readonly items: Readonly<Record<Kind, readonly Shown[]>>
  isVisible(kind: Kind, own: string): boolean
}

/** The field that identifies an item of each kind. */
export const keys = {
  tools: 'name',
  prompts: 'name',
  resources: 'uri',
  templates: 'uriTemplate',
} as const satisfies Record<Kind, string>

export function offerOf(server: Server, listing: Listing | undefined): Offer {
  const resources = policyOf(server.resources)
  const policies = { tools: policyOf(server.tools), prompts: policyOf(server.prompts), resources, templates: resources }
  const show = (kind: Kind): readonly Shown[] =>
    (listing?.[kind] ?? []).flatMap((item) => shownOf({ kind, item, policy: policies[kind], prefix: server.prefix }))
  return {
    server: server.name,
    listing,
    items: {
      tools: show('tools'),
      resources: show('resources'),
      templates: show('templates'),
      prompts: show('prompts'),
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
