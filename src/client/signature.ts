import { isRecord } from '../shared/record.ts'
import { itemsOf, type Json, textOf } from './json.ts'

/** Deeper objects are shown as `object`: a signature is to be read at a glance. */
const DEPTH = { input: 2, output: 1 } as const

/** `search(query: string, limit?: number): { hits: string[] }`, the way a TypeScript reader expects it. */
export function signature(tool: Json): string {
  const input = isRecord(tool['inputSchema']) ? tool['inputSchema'] : {}
  const output = isRecord(tool['outputSchema']) ? `: ${typeText(tool['outputSchema'], DEPTH.output)}` : ''
  return `${textOf(tool['name'])}(${properties(input, DEPTH.input).join(', ')})${output}`
}

function properties(schema: Json, depth: number): string[] {
  const required = new Set(itemsOf(schema['required']))
  const all = isRecord(schema['properties']) ? Object.entries(schema['properties']) : []
  // What has to be given comes first; within each kind the server's order stays.
  const sorted = all.toSorted(([a], [b]) => Number(required.has(b)) - Number(required.has(a)))
  return sorted.map(([name, type]) => `${keyText(name)}${required.has(name) ? '' : '?'}: ${typeText(type, depth)}`)
}

function typeText(schema: unknown, depth: number): string {
  if (!isRecord(schema)) return 'unknown'
  if ('const' in schema) return JSON.stringify(schema['const'])
  if (Array.isArray(schema['enum'])) return union(schema['enum'].map((value) => JSON.stringify(value)))
  const variants = itemsOf(schema['anyOf'] ?? schema['oneOf'])
  if (variants.length > 0) return union(variants.map((variant) => typeText(variant, depth)))
  if (Array.isArray(schema['type'])) return union(schema['type'].map((type) => typeText({ ...schema, type }, depth)))
  return named(schema, depth)
}

function named(schema: Json, depth: number): string {
  switch (schema['type']) {
    case 'integer':
      return 'number'
    case 'array':
      return arrayText(typeText(schema['items'], depth))
    case 'object':
      return objectText(schema, depth)
    default:
      return textOf(schema['type']) || 'unknown'
  }
}

function objectText(schema: Json, depth: number): string {
  const inner = depth > 0 ? properties(schema, depth - 1) : []
  return inner.length > 0 ? `{ ${inner.join('; ')} }` : 'object'
}

function arrayText(item: string): string {
  return item.includes(' | ') ? `(${item})[]` : `${item}[]`
}

function union(types: readonly string[]): string {
  return [...new Set(types)].join(' | ') || 'never'
}

function keyText(name: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? name : JSON.stringify(name)
}
