import { join } from 'node:path'
import { Ajv } from 'ajv'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { loadProfileSet } from '../../src/config/load.ts'
import { type Lock, type LockedServer, lockIn, lockText } from '../../src/config/lock-data.ts'
import { resolveProfile } from '../../src/config/resolve.ts'
import { schemaText } from '../../src/config/schema-text.ts'
import { place } from '../../src/shared/diagnostic.ts'
import { type TempFolder, tempFolder } from '../helpers/temp.ts'

const digest = (char: string) => `sha256:${char.repeat(64)}`
const locked: LockedServer = {
  serverInfo: { name: 'files', version: '1.0.0' },
  instructions: null,
  tools: { read: { digest: digest('a'), parts: { description: '0123abcd' }, inputs: ['path'] } },
  prompts: {},
  templates: { 'file://{path}': { digest: digest('b'), parts: {}, inputs: [] } },
}
const lock: Lock = { servers: { files: locked } }

const base = (fields = '') => `version: 1
servers:
  files: { command: files${fields} }
profiles:
  dev: { groups: { local: { servers: [files] } } }
`

async function load(folder: TempFolder) {
  return loadProfileSet({ cwd: folder.path, files: [], env: {} })
}

async function serverOf(folder: TempFolder) {
  const options = { env: {}, envFiles: [], portOffset: 0 }
  const { profile, warnings } = await resolveProfile(await load(folder), 'dev', options)
  return { server: profile.groups[0]?.servers[0], warnings }
}

const hex = fc.stringMatching(/^[\da-f]{64}$/).map((text) => `sha256:${text}`)
const name = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('__proto__', 'constructor', 'a/b', ''),
)
const pin = fc.record({
  digest: hex,
  parts: fc.dictionary(name, fc.stringMatching(/^[\da-f]{8}$/), { noNullPrototype: true }),
  inputs: fc.array(name),
})
const pinned = fc.dictionary(name, pin, { maxKeys: 4, noNullPrototype: true })
const server: fc.Arbitrary<LockedServer> = fc.record({
  serverInfo: fc.record({ name, version: name }),
  instructions: fc.option(hex),
  tools: pinned,
  prompts: pinned,
  templates: pinned,
})

test('a lock is written so that it is read as it was, in ASCII, a line for each item', () => {
  const isValid = new Ajv({ strict: false }).compile(JSON.parse(schemaText('lock')))
  fc.assert(
    fc.property(fc.dictionary(name, server, { maxKeys: 3, noNullPrototype: true }), (servers) => {
      const text = lockText({ servers })
      expect(lockIn(JSON.parse(text))).toEqual({ servers })
      expect(lockText(lockIn(JSON.parse(text)))).toBe(text)
      expect(text).toMatch(/^[\n -~]*$/)
      expect(isValid(JSON.parse(text))).toBe(true)
      const items = Object.values(servers).flatMap(({ tools, prompts, templates }) => [tools, prompts, templates])
      const count = items.reduce((sum, all) => sum + Object.keys(all).length, 0)
      expect(text.split('\n').filter((line) => line.includes('"digest"'))).toHaveLength(count)
    }),
  )
})

test('the order in which it was built does not change what is written', () => {
  const one = { ...locked, tools: { a: locked.tools['read'], b: locked.tools['read'] } } as LockedServer
  const other = { ...locked, tools: { b: locked.tools['read'], a: locked.tools['read'] } } as LockedServer
  expect(lockText({ servers: { x: one, y: other } })).toBe(lockText({ servers: { y: one, x: other } }))
})

test('what is locked of a server is part of the profile, and without a lock nothing is', async () => {
  await using folder = await tempFolder()
  await folder.write({ 'mcpctl.yaml': base() })
  expect(await serverOf(folder)).toMatchObject({ server: { pins: null, integrity: 'warn' }, warnings: [] })
  await folder.write({ 'mcpctl.lock': lockText(lock) })
  const { serverInfo: _info, ...pins } = locked
  expect((await serverOf(folder)).server?.pins).toEqual(pins)
})

test('the lock is watched, also before it is there', async () => {
  await using folder = await tempFolder()
  await folder.write({ 'mcpctl.yaml': base() })
  const path = join(folder.path, 'mcpctl.lock')
  expect((await load(folder)).sources.get(path)).toBe('file_missing')
  await folder.write({ 'mcpctl.lock': lockText(lock) })
  expect((await load(folder)).sources.get(path)).toContain('sha256')
})

test('a server that is not looked at has no pins', async () => {
  await using folder = await tempFolder()
  await folder.write({ 'mcpctl.yaml': base(', integrity: off'), 'mcpctl.lock': lockText(lock) })
  expect((await serverOf(folder)).server?.pins).toBeNull()
})

test('who wants to be guarded and has no lock is told so where it is asked for', async () => {
  await using folder = await tempFolder()
  await folder.write({ 'mcpctl.yaml': base(', integrity: enforce') })
  const { warnings } = await serverOf(folder)
  expect(warnings).toMatchObject([{ code: 'not_locked', line: 5, hint: 'run mcpctl lock' }])
  await folder.write({ 'mcpctl.lock': lockText(lock) })
  expect((await serverOf(folder)).warnings).toEqual([])
})

test('a lock that somebody formatted anew is the same lock', async () => {
  await using folder = await tempFolder()
  const crlf = lockText(lock).replaceAll('\n', '\r\n')
  for (const text of [JSON.stringify(JSON.parse(lockText(lock))), crlf]) {
    await folder.write({ 'mcpctl.yaml': base(), 'mcpctl.lock': text })
    expect((await load(folder)).lock).toEqual(lock)
  }
})

const text = lockText(lock)

test.each([
  ['half of it', text.slice(0, 150), 'yaml_syntax', undefined],
  ['nothing', '', 'empty_file', 1],
  ['an unfinished merge', text.replace('  "servers"', '<<<<<<< HEAD\n  "servers"'), 'unmerged', 3],
  ['another version', text.replace('1,', '2,'), 'bad_lock', 2],
  ['a digest cut short', text.replace('aaaa"', 'a"'), 'bad_lock', 8],
  ['a digest of another kind', text.replace('sha256:b', 'sha512:b'), 'bad_lock', 12],
  ['an unknown key', text.replace('"prompts"', '"promts"'), 'bad_lock', 10],
  ['a tool twice', text.replace('"read"', '"read": { "digest": "", "parts": {} },\n"read"'), 'duplicate_key', 9],
  ['a list', '[]', 'not_a_map', 1],
])('%s is an error that names the place', async (_what, written, code, line) => {
  await using folder = await tempFolder()
  await folder.write({ 'mcpctl.yaml': base(), 'mcpctl.lock': written })
  const { diagnostics, lock: found } = await load(folder)
  expect(found).toBeUndefined()
  expect(diagnostics).toMatchObject([{ severity: 'error', code, file: 'mcpctl.lock', ...(line && { line }) }])
  await expect(serverOf(folder)).rejects.toMatchObject({ code: 'config_invalid' })
})

test('a lock that cannot be read is an error', async () => {
  await using folder = await tempFolder()
  await folder.write({ 'mcpctl.yaml': base(), 'mcpctl.lock/file': '' })
  const { diagnostics } = await load(folder)
  expect(diagnostics.map((one) => [place(one), one.message])).toEqual([
    ['mcpctl.lock:1:1', 'mcpctl.lock is a directory, not a file'],
  ])
})

test('the schema for editors says what the reader says', () => {
  const isValid = new Ajv({ strict: false }).compile(JSON.parse(schemaText('lock')))
  expect(isValid(JSON.parse(text))).toBe(true)
  const broken = [
    { ...lock, version: 2 },
    { version: 1 },
    { version: 1, servers: { a: {} } },
    { ...JSON.parse(text), x: 1 },
  ]
  for (const one of broken) {
    expect(isValid(one)).toBe(false)
    expect(() => lockIn(one)).toThrow()
  }
})
