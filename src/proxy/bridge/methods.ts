import type { Era } from '../mcp/era.ts'

/** The requests a modern server may answer with questions (MCP: Multi Round-Trip Requests, Supported Requests). */
const interruptible: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read'])

/** Methods of one era that have no meaning in the other. What nobody knows is for the server to say. */
const gone = {
  legacy: new Set(['server/discover', 'subscriptions/listen']),
  modern: new Set(['initialize', 'ping', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe']),
} as const satisfies Record<Era, ReadonlySet<string>>

export function isInterruptible(method: string): boolean {
  return interruptible.has(method)
}

/**
 * Whether a caller of that era may use the method with a server of the other one. Tasks are in both by name only:
 * other parameters, other results, another life (SEP-2663).
 */
export function isBridged(method: string, era: Era): boolean {
  return !method.startsWith('tasks/') && !gone[era].has(method)
}
