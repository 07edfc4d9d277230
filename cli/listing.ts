import type { ListKind } from '../src/client/client.ts'
import type { Json } from '../src/client/json.ts'
import { wholeName } from '../src/client/whole-name.ts'
import type { Context } from './context.ts'
import { connectTo, targetName, targetsOf } from './mcp.ts'
import { envelope, print } from './output.ts'
import { type Paint, painter } from './paint.ts'
import { oneLine } from './untrusted.ts'

export interface Listing {
  /** `GROUP` or `GROUP/SERVER`; all groups without it. */
  readonly target: string | undefined
  readonly document: string
  readonly kinds: readonly ListKind[]
  readonly describe: (item: Json, paint: Paint) => string
}

interface Found {
  readonly name: string
  readonly lists: Readonly<Record<string, readonly Json[]>>
}

/** Prints what one target or every group lists; for programs the items are whole, as the servers sent them. */
export async function printListing(context: Context, listing: Listing): Promise<void> {
  const targets = await targetsOf(context, listing.target)
  const found: Found[] = []
  for (const target of targets) {
    await using client = await connectTo(context, target)
    const lists: Record<string, readonly Json[]> = {}
    for (const kind of listing.kinds) lists[kind] = await client.list(kind)
    found.push({ name: targetName(target), lists })
  }
  await print(context, {
    document: envelope(listing.document, documentOf(found, listing)),
    human: () => found.map((one) => humanText(one, { ...listing, context })).join('\n'),
  })
}

/** What goes behind an item's head: the whole name where the one shown was cut. */
export function aside(item: Json, paint: Paint): string {
  const whole = wholeName(item)
  return whole === undefined ? '' : `  ${paint('dim', oneLine(whole))}`
}

/** One list per kind; beside several groups each item says which one it is from. */
function documentOf(found: readonly Found[], { kinds, target }: Listing) {
  const itemsOf = (kind: string) =>
    found.flatMap(({ name, lists }) => (lists[kind] ?? []).map((item) => (target ? item : { group: name, ...item })))
  return Object.fromEntries(kinds.map((kind) => [kind, itemsOf(kind)]))
}

function humanText({ name, lists }: Found, { describe, context }: Listing & { context: Context }): string {
  const paint = painter(context, context.stdout)
  const items = Object.values(lists).flat()
  return `${paint('bold', name)}\n${items.map((item) => `${describe(item, paint)}\n`).join('')}`
}
