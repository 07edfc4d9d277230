import type { Group } from '../../config/profile.ts'
import type { Version } from '../era.ts'
import { isRecord, type Params } from '../rpc.ts'
import type { Offer } from './offer.ts'
import type { View } from './view.ts'

export interface Identity {
  readonly name: string
  readonly version: string
  readonly project: string
  readonly group: Group['name']
}

/** A server's instructions get at most so many characters of the whole, and all of them together so many. */
const LONGEST_PART = 8 * 1024
const LONGEST = 32 * 1024

/** The result of `initialize`: one server's own words on its own address, the union of all on the group's. */
export function initializeResult(view: View, version: Version, identity: Identity): Params {
  const [offer] = view.offers
  if (view.server !== undefined && offer?.listing) return ownResult(offer.listing, version)
  const instructions = mergeInstructions(view.offers)
  return {
    protocolVersion: version,
    capabilities: mergeCapabilities(view.offers),
    serverInfo: serverInfo(identity),
    ...(instructions !== '' && { instructions }),
  }
}

function ownResult(listing: NonNullable<Offer['listing']>, version: Version): Params {
  const { capabilities, serverInfo: info, instructions } = listing
  return {
    protocolVersion: version,
    capabilities: withListChanged(capabilities),
    serverInfo: info,
    ...(instructions !== undefined && { instructions }),
  }
}

function serverInfo({ name, version, project, group }: Identity): Params {
  return { name, title: `${project} ${group}`, version }
}

/** The union. What is listed here is declared even by a server that is not known yet, since it may come later. */
function mergeCapabilities(offers: readonly Offer[]): Params {
  const known = offers.flatMap(({ listing }) => (listing ? [listing.capabilities] : []))
  const unknown = known.length < offers.length ? { tools: {}, resources: {}, prompts: {} } : {}
  return withListChanged([...known, unknown].reduce<Params>(merge, {}))
}

function merge(into: Params, from: Params): Params {
  const merged: Params = { ...into }
  for (const [key, value] of Object.entries(from)) {
    const before = Object.hasOwn(into, key) ? into[key] : undefined
    if (isRecord(before) && isRecord(value)) merged[key] = merge(before, value)
    else if (before === undefined || before === false) merged[key] = value
  }
  return merged
}

/** Whatever the server said, the proxy tells when a list changes. */
function withListChanged(capabilities: Params): Params {
  const declared = ['tools', 'resources', 'prompts'].filter((key) => isRecord(capabilities[key]))
  const changed = declared.map((key) => [key, { ...record(capabilities[key]), listChanged: true }])
  return { ...capabilities, ...Object.fromEntries(changed) }
}

function record(value: unknown): Params {
  return isRecord(value) ? value : {}
}

function mergeInstructions(offers: readonly Offer[]): string {
  const parts = offers.flatMap(({ server, listing }) =>
    listing?.instructions ? [`## ${server}\n\n${cut(listing.instructions, LONGEST_PART)}`] : [],
  )
  return cut(parts.join('\n\n'), LONGEST)
}

function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`
}
