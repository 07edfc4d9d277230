import { pinNamed } from '../../config/lock-data.ts'
import type { Pins, Server } from '../../config/profile.ts'
import { driftSubject, type PinnedKind } from '../../shared/drift.ts'
import type { Exchange } from '../mcp/exchange.ts'
import { failures, RpcFailure } from '../mcp/rpc.ts'
import type { Item, Listing } from '../upstream/listing.ts'
import { compare, type Finding } from './compare.ts'
import { keys } from './piece.ts'

/** What of a server's definition decides about integrity. */
type Guarded = Pick<Server, 'name' | 'integrity' | 'onNew' | 'pins'>

/** How a server's lists stand against `mcpctl.lock`. */
export interface Inspection {
  /** What is to be told: that something is gone is not. */
  readonly findings: readonly Finding[]
  isBlocked(kind: PinnedKind | 'instructions', name: string): boolean
}

const sound: Inspection = { findings: [], isBlocked: () => false }

interface Known extends Pick<Guarded, 'integrity' | 'onNew'> {
  readonly pins: Pins
  readonly inspection: Inspection
}

/** By what is compared: as long as lists and locks are the same objects, nothing is compared again. */
const inspections = new WeakMap<Listing, Known>()

/** Compares what a server lists with what is locked of it; cheap when asked again. */
export function inspect({ integrity, onNew, pins }: Guarded, listing: Listing | undefined): Inspection {
  if (pins === null || listing === undefined) return sound
  const known = inspections.get(listing)
  if (known?.pins === pins && known.integrity === integrity && known.onNew === onNew) return known.inspection
  const inspection = inspectionOf({ integrity, onNew, pins }, listing)
  inspections.set(listing, { integrity, onNew, pins, inspection })
  return inspection
}

function inspectionOf({ integrity, onNew, pins }: Omit<Known, 'inspection'>, listing: Listing): Inspection {
  const isAddition = ({ change }: Finding) => change === 'new' || change === 'widened'
  const all = compare(pins, listing).filter((finding) => finding.change !== 'removed')
  const blocks = (finding: Finding) => (isAddition(finding) ? onNew === 'block' : integrity === 'enforce')
  const blocked = new Set(all.filter(blocks).map(keyOf))
  const findings = all.filter((finding) => !isAddition(finding) || onNew !== 'allow')
  return { findings, isBlocked: (kind, name) => blocked.has(keyOf({ kind, name })) }
}

function keyOf({ kind, name }: Pick<Finding, 'kind' | 'name'>): string {
  return `${kind} ${name}`
}

/** The lists as clients may have them: blocked instructions are not passed on. */
export function passedOn(listing: Listing | undefined, { isBlocked }: Inspection): Listing | undefined {
  return listing && isBlocked('instructions', '') ? { ...listing, instructions: undefined } : listing
}

const kinds: Readonly<Record<string, 'tools' | 'prompts'>> = { 'tools/call': 'tools', 'prompts/get': 'prompts' }

/**
 * Why a request must not reach its server, asked with the lists that came over the very connection it is about to take:
 * a server that comes back after a restart may be another one. Undefined when it may.
 */
export function refusalOf(
  server: Guarded,
  listing: Listing | undefined,
  { method, params }: Pick<Exchange, 'method' | 'params'>,
): RpcFailure | undefined {
  if (server.pins === null) return undefined
  const kind = Object.hasOwn(kinds, method) ? kinds[method] : undefined
  const name = params?.name
  if (kind === undefined || typeof name !== 'string') return undefined
  const isBlocked = inspect(server, listing).isBlocked(kind, name) || isUnheardOf(server, listing, { kind, name })
  return isBlocked ? changed({ server: server.name, kind, name }) : undefined
}

/** On a server's own address names may be called that no list contains: no such one is let through as known. */
function isUnheardOf(
  { pins, onNew }: Guarded,
  listing: Listing | undefined,
  asked: { kind: PinnedKind; name: string },
) {
  const { kind, name } = asked
  if (onNew !== 'block' || pins === null || pinNamed(pins[kind], name)) return false
  return !listing?.[kind].some((item: Item) => item[keys[kind]] === name)
}

function changed(subject: Parameters<typeof driftSubject>[0]): RpcFailure {
  const message = `${driftSubject(subject)} is blocked: it is not as mcpctl.lock says`
  const facts = { upstream: subject.server, kind: 'pinned_tool_changed', retryable: false }
  return new RpcFailure(failures.pinned_tool_changed, message, facts)
}
