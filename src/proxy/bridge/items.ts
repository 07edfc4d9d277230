import { isRecord } from '../mcp/rpc.ts'
import type { Item, Kind } from '../upstream/listing.ts'
import { needsWrap, objectSchema, wrapSchema } from './schema.ts'

/**
 * A modern server's listed item as a legacy client can take it; the same object when nothing stands in the way. Only
 * tools differ: their schemas must have an object for a root (MCP: Server, Tools, 2025-11-25).
 */
export function legacyItem(kind: Kind, item: Item): Item {
  if (kind !== 'tools') return item
  const { inputSchema, outputSchema } = item
  const input = objectSchema(inputSchema)
  if (needsWrap(outputSchema)) return { ...item, ...given(input, inputSchema), outputSchema: wrapSchema(outputSchema) }
  return input === inputSchema ? item : { ...item, inputSchema: input }
}

/**
 * A legacy server's listed item as a modern client can take it; the same object when nothing stands in the way. Tasks
 * of the old core are gone: what a tool says of them would be misread as an offer.
 */
export function modernItem(kind: Kind, item: Item): Item {
  if (kind !== 'tools' || !isRecord(item.execution) || !('taskSupport' in item.execution)) return item
  const { execution, ...rest } = item
  const { taskSupport: _support, ...others } = item.execution
  return Object.keys(others).length > 0 ? { ...rest, execution: others } : rest
}

/** A tool without an input schema does not get one. */
function given(input: unknown, before: unknown): Item {
  return before === undefined ? {} : { inputSchema: input }
}
