import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { schemaText } from '../../src/config/schema-text.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

test('what is generated is what the schemas say', async () => {
  const { exitCode, stderr } = await execa('node', ['scripts/generate.mjs', '--check'], { cwd: root, reject: false })
  expect(stderr).toBe('')
  expect(exitCode).toBe(0)
})

test.each([
  ['mcpctl', 'mcpctl.schema.json'],
  ['profile', 'profile.schema.json'],
  ['defs', 'defs.schema.json'],
] as const)('the schema %s is embedded as it is on disk', (name, file) => {
  expect(JSON.parse(schemaText(name))).toEqual(JSON.parse(readFileSync(`${root}/schemas/${file}`, 'utf8')))
})

interface Schema {
  readonly [key: string]: unknown
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Every key of every map in the schemas, with what an editor would find at it. */
function keysOf(schema: unknown, path: string): { path: string; schema: Schema }[] {
  if (!isSchema(schema)) return []
  const properties = isSchema(schema['properties']) ? Object.entries(schema['properties']) : []
  const inner = Object.entries(schema).flatMap(([name, value]) => keysOf(value, `${path}/${name}`))
  const own = properties.flatMap(([name, value]) =>
    isSchema(value) ? [{ path: `${path}/${name}`, schema: value }] : [],
  )
  return [...own, ...inner]
}

const defs: unknown = JSON.parse(schemaText('defs'))

function isDescribed({ schema }: { readonly schema: Schema }): boolean {
  if (typeof schema['description'] === 'string') return true
  const name = String(schema['$ref']).split('/').at(-1) ?? ''
  const target = isSchema(defs) && isSchema(defs['definitions']) ? defs['definitions'][name] : undefined
  return isSchema(target) && (typeof target['description'] === 'string' || typeof target['$ref'] === 'string')
}

test('every key has a description for editors', () => {
  const keys = (['mcpctl', 'profile', 'defs'] as const).flatMap((name) => keysOf(JSON.parse(schemaText(name)), name))
  expect(keys.length).toBeGreaterThan(100)
  expect(keys.filter((key) => !isDescribed(key)).map(({ path }) => path)).toEqual([])
})
