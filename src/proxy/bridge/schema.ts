import { isRecord, type Params } from '../mcp/rpc.ts'

const INSIDE = '#/properties/result'

/** Keywords whose values are data: what looks like a reference there is none. */
const literal: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples'])
/** Keywords whose values map names to schemas: the names are the author's, whatever keyword they look like. */
const named: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
  'dependencies',
])

/**
 * Whether a legacy client needs the output schema wrapped: to it, structured content is an object, and so is the root
 * of its schema by name. Where this holds the values are wrapped, too, so that they still fit.
 */
export function needsWrap(schema: unknown): schema is Params | boolean {
  return typeof schema === 'boolean' || (isRecord(schema) && schema.type !== 'object')
}

/**
 * `{"result": …}` around a schema. Its references to itself follow it to where it is now, and its dialect becomes the
 * whole's; a schema with an `$id` is a document of its own and stays as it is.
 */
export function wrapSchema(schema: Params | boolean): Params {
  const inner = isRecord(schema) && !isDocument(schema) ? moved(schema) : schema
  const dialect = isRecord(schema) && schema.$schema !== undefined ? { $schema: schema.$schema } : {}
  return { ...dialect, type: 'object', properties: { result: inner }, required: ['result'] }
}

/** An input schema with an object for its root by name; arguments are never anything else, so nothing is lost. */
export function objectSchema(schema: unknown): unknown {
  if (schema === true) return { type: 'object' }
  if (schema === false) return { type: 'object', not: {} }
  if (!isRecord(schema) || schema.type === 'object') return schema
  const admits = schema.type === undefined || (Array.isArray(schema.type) && schema.type.includes('object'))
  return admits ? { ...schema, type: 'object' } : schema
}

function moved({ $schema: _dialect, ...schema }: Params): unknown {
  return follow(schema)
}

function follow(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(follow)
  if (!isRecord(schema) || isDocument(schema)) return schema
  return mapped(schema, (value, key) => {
    if (key === '$ref' || key === '$dynamicRef') return followRef(value)
    if (literal.has(key)) return value
    return named.has(key) && isRecord(value) ? mapped(value, follow) : follow(value)
  })
}

function followRef(ref: unknown): unknown {
  if (ref === '#') return INSIDE
  return typeof ref === 'string' && ref.startsWith('#/') ? INSIDE + ref.slice(1) : ref
}

/** An `$id` that is only a fragment is an anchor's old spelling and begins no document. */
function isDocument({ $id: id }: Params): boolean {
  return id !== undefined && !(typeof id === 'string' && id.startsWith('#'))
}

function mapped(record: Params, change: (value: unknown, key: string) => unknown): Params {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]))
}
