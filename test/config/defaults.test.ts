import { basename } from 'node:path'
import { expect, test } from 'vitest'
import { loadProfileSet } from '../../src/config/load.ts'
import { resolveProfile } from '../../src/config/resolve.ts'
import { schemaText } from '../../src/config/schema-text.ts'
import { tempFolder } from '../helpers/temp.ts'

type Schema = Readonly<Record<string, unknown>>
const definitions = object(object(JSON.parse(schemaText('defs')))['definitions'])
const tokens = 'qX7vT2mK9sLwR4nB8yJdF3hG'

test('writing out every default of the schemas changes nothing', async () => {
  const { auth, ...group } = defaultsOf('group')
  const { auth: _, ...defaults } = defaultsOf('defaults')
  const written = {
    version: defaultOf('version'),
    default: defaultOf('default'),
    envFile: { path: '.env', ...defaultsOf('envFileEntry') },
    servers: { one: { command: 'node', ...defaultsOf('server') } },
    defaults,
    groups: {
      open: { ...group, servers: ['one'] },
      closed: { ...group, servers: ['one'], auth: { ...object(auth), tokens } },
    },
  }
  const bare = {
    envFile: '.env',
    servers: { one: { command: 'node' } },
    groups: { open: { servers: ['one'] }, closed: { servers: ['one'], auth: { tokens } } },
  }
  expect(await resolved(written)).toEqual(await resolved(bare))
})

/** What has no default: without it there is nothing. */
const none = {
  defaults: ['transport', 'tools', 'resources', 'prompts'],
  group: ['servers', 'transport', 'tools', 'resources', 'prompts'],
  server: ['command', 'args', 'env', 'url', 'headers', 'transport', 'tools', 'resources', 'prompts'],
  timeouts: [],
  restart: [],
  retry: [],
  cache: [],
  groupCache: [],
  limits: [],
}

test.each(Object.entries(none))('of the keys of %s the schemas give every default there is', (name, without) => {
  const written = defaultsOf(name)
  expect(Object.keys(object(definition(name)['properties'])).filter((key) => !(key in written))).toEqual(without)
})

async function resolved(profile: unknown) {
  await using folder = await tempFolder()
  await folder.write({ 'dev.yaml': JSON.stringify(profile), '.env': '' })
  const set = await loadProfileSet({ cwd: folder.path, files: ['dev.yaml'], env: {} })
  const found = await resolveProfile(set, 'dev', { env: {}, envFiles: [], portOffset: 0 })
  return JSON.parse(JSON.stringify(found.profile).replaceAll(basename(folder.path), ''))
}

/** A map of a definition's keys with the defaults that the schemas state, also of maps in it. */
function defaultsOf(name: string): Record<string, unknown> {
  return mapOf(definition(name))
}

function mapOf(schema: Schema): Record<string, unknown> {
  const entries = Object.entries(object(schema['properties'])).map(([key, value]) => [key, standardOf(object(value))])
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}

function standardOf(schema: Schema): unknown {
  if ('default' in schema) return schema['default']
  if (typeof schema['$ref'] === 'string') return standardOf(definition(schema['$ref'].split('/').at(-1) ?? ''))
  const map = 'properties' in schema ? mapOf(schema) : {}
  return Object.keys(map).length > 0 ? map : undefined
}

function defaultOf(name: string): unknown {
  return standardOf(definition(name))
}

function definition(name: string): Schema {
  return object(definitions[name])
}

function object(value: unknown): Schema {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`no map: ${value}`)
  return { ...value }
}
