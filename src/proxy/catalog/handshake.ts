import type { Group } from '../../config/profile.ts'
import { type Era, envelope, modernVersions, type Version } from '../mcp/era.ts'
import { isRecord, type Params, recordOf } from '../mcp/rpc.ts'
import { type Freshness, surroundingOf } from './frames.ts'
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
  const { fields, meta } = ownWords(view)
  const instructions = instructionsOf(view)
  return {
    ...fields,
    protocolVersion: version,
    capabilities: capabilitiesOf(view, 'legacy'),
    serverInfo: serverInfoOf(view, identity),
    ...(instructions !== undefined && { instructions }),
    ...(meta !== undefined && { _meta: meta }),
  }
}

/** The result of `server/discover`, in the same manner. (MCP: Discovery, 2026-07-28.) */
export function discoverResult(view: View, freshness: Freshness, identity: Identity): Params {
  const { fields, meta } = ownWords(view)
  const instructions = instructionsOf(view)
  return {
    ...fields,
    resultType: 'complete',
    supportedVersions: modernVersions,
    capabilities: capabilitiesOf(view, 'modern'),
    ...(instructions !== undefined && { instructions }),
    ...freshness,
    _meta: withServerInfo(view, meta, identity),
  }
}

/** The `_meta` of a modern result made here: who answers. */
export function withServerInfo(view: View, meta: Params | undefined, identity: Identity): Params {
  return { ...meta, [envelope.serverInfo]: serverInfoOf(view, identity) }
}

/** The server that an address is alone for, once it is known. */
function ownListing({ server, offers }: View): Offer['listing'] {
  return server === undefined ? undefined : offers[0]?.listing
}

/** What else a server greets with belongs to its own address only. */
function ownWords(view: View): ReturnType<typeof surroundingOf> {
  return ownListing(view) ? surroundingOf(view.offers, 'greeting') : { fields: {}, meta: undefined }
}

function serverInfoOf(view: View, { name, version, project, group }: Identity): Params {
  return ownListing(view)?.serverInfo ?? { name, title: `${project} ${group}`, version }
}

/** A server's own may be empty; merged ones are left out then. */
function instructionsOf(view: View): string | undefined {
  const own = ownListing(view)
  return own ? own.instructions : greetingOf(view).instructions || undefined
}

/** What a client of that era can do here. */
export function capabilitiesOf(view: View, era: Era): Params {
  const own = ownListing(view)
  return own ? withListChanged(translated(own, era)) : greetingOf(view)[era]
}

interface Greeting extends Readonly<Record<Era, Params>> {
  readonly instructions: string
}

/** Made once per view, which may be one of a thousand servers, and not for each of a thousand clients. */
const greetings = new WeakMap<View, Greeting>()

function greetingOf(view: View): Greeting {
  const known = greetings.get(view)
  if (known) return known
  const { offers } = view
  const greeting = {
    instructions: mergeInstructions(offers),
    legacy: mergeCapabilities(offers, 'legacy'),
    modern: mergeCapabilities(offers, 'modern'),
  }
  greetings.set(view, greeting)
  return greeting
}

/** Tasks are of the core in the legacy era and an extension in the modern one: neither can be done in the other. */
function translated({ era: from, capabilities }: NonNullable<Offer['listing']>, era: Era): Params {
  if (from === era) return capabilities
  const { tasks: _tasks, extensions, ...rest } = capabilities
  if (!isRecord(extensions)) return rest
  const { [TASKS]: _extension, ...others } = extensions
  return { ...rest, extensions: others }
}

const TASKS = 'io.modelcontextprotocol/tasks'

/** The union. What is listed here is declared even by a server that is not known yet, since it may come later. */
function mergeCapabilities(offers: readonly Offer[], era: Era): Params {
  const known = offers.flatMap(({ listing }) => (listing ? [translated(listing, era)] : []))
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
  const changed = declared.map((key) => [key, { ...recordOf(capabilities[key]), listChanged: true }])
  return { ...capabilities, ...Object.fromEntries(changed) }
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
