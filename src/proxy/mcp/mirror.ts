import { isRecord } from './rpc.ts'

/**
 * What the HTTP binding of 2026-07-28 repeats of a body in the head of its request, so that what stands in between can
 * route without reading bodies. (MCP: Streamable HTTP, Request Metadata.)
 */
const PARAM_PREFIX = 'mcp-param-'
const ANNOTATION = 'x-mcp-header'

/** Methods whose `Mcp-Name` is required, and the parameter it repeats. */
export const namedBy: Readonly<Record<string, 'name' | 'uri' | 'taskId'>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
}

const SENTINEL_START = '=?base64?'
const SENTINEL_END = '?='
const plain = /^[\x20-\x7e\t]*$/

/** A value of `Mcp-Name` or `Mcp-Param-*`: as it is where a header can carry that, else in the Base64 form. */
export function encodeHeader(value: string): string {
  const isSafe = value !== '' && value.trim() === value && plain.test(value) && !isSentinel(value)
  return isSafe ? value : `${SENTINEL_START}${Buffer.from(value).toString('base64')}${SENTINEL_END}`
}

/** The value a header stands for; undefined when it is malformed: not ASCII, or broken in its Base64 form. */
export function decodeHeader(header: string): string | undefined {
  const value = header.replace(/^[ \t]+|[ \t]+$/g, '')
  if (!plain.test(value)) return undefined
  if (!isSentinel(value)) return value
  const encoded = value.slice(SENTINEL_START.length, -SENTINEL_END.length)
  const bytes = Buffer.from(encoded, 'base64')
  if (`${SENTINEL_START}${bytes.toString('base64')}${SENTINEL_END}` !== value) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    // Bytes that are no UTF-8 stand for no value: the caller refuses the request.
    return undefined
  }
}

function isSentinel(value: string): boolean {
  return value.startsWith(SENTINEL_START) && value.endsWith(SENTINEL_END)
}

/** One `x-mcp-header` of a tool: this argument is repeated in this header. */
export interface Declared {
  /** In lower case, with its prefix: `mcp-param-…`. */
  readonly header: string
  /** Of the argument, from the root of the arguments. */
  readonly path: readonly string[]
  readonly type: 'string' | 'integer' | 'boolean'
}

/** A schema inside the input schema. */
interface Place {
  readonly schema: Record<string, unknown>
  /** Whether a chain of `properties` leads to it: elsewhere an annotation makes the tool invalid. */
  readonly isReachable: boolean
  /** The property it is of, and of which schema; the root is of none. */
  readonly key?: string
  readonly above?: Place
}

/** What a tool's `inputSchema` declares, or why the specification has the whole tool left out. */
export function declarationsOf(inputSchema: unknown): readonly Declared[] | { readonly invalid: string } {
  const found = new Map<string, Declared>()
  const places: Place[] = isRecord(inputSchema) ? [{ schema: inputSchema, isReachable: true }] : []
  // A list instead of recursion: how deep a schema is nested is the server's choice.
  for (let place = places.pop(); place; place = places.pop()) {
    if (ANNOTATION in place.schema) {
      const declared = declaredAt(place)
      if (typeof declared === 'string') return { invalid: declared }
      if (found.has(declared.header)) return { invalid: `${ANNOTATION} "${declared.header}" is there twice` }
      found.set(declared.header, declared)
    }
    places.push(...placesBelow(place))
  }
  return [...found.values()]
}

/** A sentence when the annotation is not as it must be. */
function declaredAt(place: Place): Declared | string {
  const { [ANNOTATION]: name, type } = place.schema
  if (!place.isReachable || !place.above) return `${ANNOTATION} where no chain of properties leads`
  const path = pathOf(place)
  if (typeof name !== 'string' || !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name))
    return `${ANNOTATION} of "${path.join('.')}" is no header name`
  if (type !== 'string' && type !== 'integer' && type !== 'boolean')
    return `${ANNOTATION} of "${path.join('.')}" is on neither a string nor an integer nor a boolean`
  return { header: PARAM_PREFIX + name.toLowerCase(), path, type }
}

function pathOf(place: Place): readonly string[] {
  const path: string[] = []
  for (let step: Place | undefined = place; step?.key !== undefined; step = step.above) path.push(step.key)
  return path.reverse()
}

/** Keywords that hold one schema or a list of them. */
const single = [
  ...['items', 'prefixItems', 'additionalItems', 'contains', 'unevaluatedItems', 'additionalProperties'],
  ...['unevaluatedProperties', 'propertyNames', 'oneOf', 'anyOf', 'allOf', 'not', 'if', 'then', 'else'],
]
/** Keywords that hold schemas by name, whatever the names are. */
const byName = ['patternProperties', 'dependentSchemas', 'dependencies', '$defs', 'definitions']

function placesBelow(above: Place): readonly Place[] {
  const { schema, isReachable } = above
  const places: Place[] = []
  const hidden = (value: unknown): unknown => isRecord(value) && places.push({ schema: value, isReachable: false })
  for (const keyword of single) for (const value of [schema[keyword]].flat()) hidden(value)
  for (const keyword of byName) for (const [, value] of entriesOf(schema[keyword])) hidden(value)
  for (const [key, value] of entriesOf(schema.properties))
    if (isRecord(value)) places.push({ schema: value, isReachable, key, above })
  return places
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return isRecord(value) ? Object.entries(value) : []
}

/** The headers of one call: what is absent, null or no plain value has none. */
export function paramHeaders(declared: readonly Declared[], args: unknown): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const { header, path } of declared) {
    const value = textOf(valueAt(args, path))
    if (value !== undefined) headers[header] = encodeHeader(value)
  }
  return headers
}

function valueAt(args: unknown, path: readonly string[]): unknown {
  let value = args
  for (const key of path) {
    if (!isRecord(value) || !Object.hasOwn(value, key)) return undefined
    value = value[key]
  }
  return value
}

/** Of another type than declared it is still repeated: to refuse the argument is the server's business. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean' || Number.isSafeInteger(value)) return String(value)
  return typeof value === 'number' && !Number.isInteger(value) && Number.isFinite(value) ? String(value) : undefined
}
