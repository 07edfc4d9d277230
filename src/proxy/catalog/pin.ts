import { createHash } from 'node:crypto'
import type { Pin, Pins } from '../../config/profile.ts'
import { canonical } from '../../shared/canonical.ts'
import type { PinnedKind } from '../../shared/drift.ts'
import { type Params, recordOf } from '../mcp/rpc.ts'
import type { Item, Listing } from '../upstream/listing.ts'
import { keys } from './piece.ts'

/**
 * What of an item reaches a model, or decides how it is used. `x-mcp-header` is in the schemas; icons and dates are for
 * people and may change at any time.
 */
const covered = {
  tools: ['name', 'title', 'description', 'inputSchema', 'outputSchema', 'annotations', 'execution', '_meta'],
  prompts: ['name', 'title', 'description', 'arguments', '_meta'],
  templates: ['uriTemplate', 'name', 'title', 'description', 'mimeType', '_meta'],
} as const satisfies Record<PinnedKind, readonly string[]>

/** As `sha256:` and hex, of the canonical JSON (RFC 8785): the order of keys does not matter, every character does. */
export function digestOf(value: unknown): string {
  return `sha256:${createHash('sha256').update(canonical(value)).digest('hex')}`
}

/** The fields of an item that are pinned. */
export function factsOf(kind: PinnedKind, item: Item): Params {
  return picked(item, covered[kind])
}

/** Made once per item: several configurations may be compared with the same list. */
export function pinOf(kind: PinnedKind, item: Item): Pin {
  const known = pins.get(item)
  if (known) return known
  const facts = factsOf(kind, item)
  const fields = Object.entries(facts).filter(([field]) => field !== keys[kind])
  const pin: Pin = {
    digest: digestOf(facts),
    parts: Object.fromEntries(fields.map(([field, value]) => [field, partOf(value)])),
    inputs: kind === 'tools' ? Object.keys(recordOf(recordOf(item.inputSchema).properties)).sort() : [],
  }
  pins.set(item, pin)
  return pin
}

const pins = new WeakMap<Item, Pin>()

const PART = 8

function partOf(value: unknown): string {
  return digestOf(value).slice('sha256:'.length).slice(0, PART)
}

/** The pins of all a server says. Of two items with one name the first is pinned: the other one is another one. */
export function pinsOf(listing: Listing): Pins {
  const pinned = (kind: PinnedKind) => {
    const named = listing[kind].flatMap((item) => {
      const name = item[keys[kind]]
      return typeof name === 'string' ? [[name, pinOf(kind, item)] as const] : []
    })
    return Object.fromEntries(named.reverse())
  }
  const { instructions } = listing
  return {
    instructions: instructions === undefined ? null : digestOf(instructions),
    tools: pinned('tools'),
    prompts: pinned('prompts'),
    templates: pinned('templates'),
  }
}

/** Whether a tool is the pinned one but for parameters that came to it. */
export function isWidened(item: Item, pin: Pin): boolean {
  const schema = recordOf(item.inputSchema)
  const properties = recordOf(schema.properties)
  if (Object.keys(properties).length <= pin.inputs.length) return false
  const { properties: _all, ...bare } = schema
  const narrowed = [{ ...bare, properties: picked(properties, pin.inputs) }, ...(pin.inputs.length === 0 ? [bare] : [])]
  return narrowed.some((inputSchema) => digestOf(factsOf('tools', { ...item, inputSchema })) === pin.digest)
}

/** Names of the fields in which an item is not as pinned. */
export function changedFields(pin: Pin, now: Pin): readonly string[] {
  const fields = new Set([...Object.keys(pin.parts), ...Object.keys(now.parts)])
  const part = ({ parts }: Pin, field: string) => (Object.hasOwn(parts, field) ? parts[field] : undefined)
  return [...fields].filter((field) => part(pin, field) !== part(now, field)).sort()
}

function picked(from: Params, fields: readonly string[]): Params {
  return Object.fromEntries(fields.flatMap((field) => (Object.hasOwn(from, field) ? [[field, from[field]]] : [])))
}
