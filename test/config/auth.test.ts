import { expect, test } from 'vitest'
import { loadProfileSet } from '../../src/config/load.ts'
import { resolveProfile } from '../../src/config/resolve.ts'
import { tempFolder } from '../helpers/temp.ts'
import { problemsIn } from './problems.ts'

const good = { type: 'jwt', issuer: 'https://login.example.com/', jwks: 'https://login.example.com/jwks.json' }

function setOf(auth: unknown, group: object = {}, server: object = {}): string {
  const servers = { one: { url: 'http://127.0.0.1:9/mcp', ...server } }
  const profile = { groups: { g: { servers: ['one'], auth, ...group } } }
  return JSON.stringify({ version: 1, servers, profiles: { dev: profile } })
}

async function problems(text: string): Promise<string[]> {
  await using folder = await tempFolder()
  await folder.write({ 'mcpctl.json': text })
  const all = await problemsIn(folder.path, 'mcpctl.json')
  return all.map((line) => line.replace(/^\S+ /, '')).filter((line) => !line.startsWith('warning '))
}

test.each([
  ['no issuer', { issuer: undefined }, 'bad_auth: group "g": auth of type jwt needs issuer'],
  ['an issuer that is null', { issuer: null }, 'bad_auth: group "g": auth of type jwt needs issuer'],
  ['an empty issuer', { issuer: '' }, 'bad_auth: group "g": issuer "" is not an https URL'],
  ['an empty issuer by a variable', { issuer: '${NOTHING:-}' }, 'bad_auth: group "g": issuer "" is not an https URL'],
  ['no keys', { jwks: undefined }, 'bad_auth: group "g": auth of type jwt needs jwks'],
  ['keys over plain http', { jwks: 'http://login.example.com/jwks' }, 'bad_auth: group "g": jwks "http://login.'],
  ['keys in a file', { jwks: 'file:///etc/passwd' }, 'bad_auth: group "g": jwks "file:///etc/passwd" is not an https'],
  ['keys with a password', { jwks: 'https://me:hunter@login.example.com/' }, 'bad_auth: group "g": jwks '],
  ['a host that only begins like loopback', { jwks: 'http://127.0.0.1.nip.io/' }, 'bad_auth: group "g": jwks '],
  ['an empty audience', { audience: [''] }, 'bad_auth: group "g": an audience must not be empty'],
  ['an empty audience as text', { audience: '' }, 'bad_auth: group "g": an audience must not be empty'],
  ['a scope of two words', { scopes: ['a b'] }, 'bad_auth: group "g": "a b" is not a scope'],
  ['a scope with a quote', { scopes: ['a"b'] }, 'bad_auth: group "g": "a"b" is not a scope'],
  ['a resource that is no URL', { resource: 'mcp' }, 'bad_auth: group "g": resource "mcp" is not an https URL'],
])('auth of type jwt with %s is refused', async (_what, fields, problem) => {
  const [first = 'none', ...rest] = await problems(setOf({ ...good, ...fields }))
  expect(first.startsWith(problem), first).toBe(true)
  expect(rest).toEqual([])
  expect(first).not.toContain('hunter')
})

test.each([
  ['https', {}],
  ['keys on loopback', { jwks: 'http://127.0.0.1:8080/jwks' }],
  ['keys on loopback, IPv6', { jwks: 'http://[::1]:8080/jwks' }],
  ['a resource over plain http', { resource: 'http://mcp.lan:7611/mcp' }],
  ['audiences that are no URLs', { audience: ['api://mcp'], scopes: ['mcp:use'] }],
])('auth of type jwt with %s is taken', async (_what, fields) => {
  expect(await problems(setOf({ ...good, ...fields }))).toEqual([])
})

test('an audience may be one text', async () => {
  await using folder = await tempFolder()
  await folder.write({ 'mcpctl.json': setOf({ ...good, audience: 'api://mcp' }) })
  const set = await loadProfileSet({ cwd: folder.path, files: ['mcpctl.json'], env: {} })
  const { profile } = await resolveProfile(set, 'dev', { env: {}, envFiles: [], portOffset: 0 })
  expect(profile.groups[0]?.auth).toEqual({ ...good, audience: ['api://mcp'], resource: '', scopes: [] })
})

test('a group with auth of type jwt may listen beyond loopback, if it has an address to be known by', async () => {
  expect(await problems(setOf(good, { host: '192.168.1.5' }))).toEqual([])
  expect(await problems(setOf(good, { host: '0.0.0.0' }))).toEqual([
    expect.stringContaining('no_resource: group "g" has auth of type jwt on every address, but no resource'),
  ])
  expect(await problems(setOf({ ...good, resource: 'https://mcp.example.com/mcp' }, { host: '0.0.0.0' }))).toEqual([])
})

test.each([
  'Authorization',
  'cookie',
  'Host',
  'mcp-session-id',
  'X-Forwarded-For',
  'proxy-authorization',
  'connection',
  'a b',
  '',
])('the header %j is never sent on, and to ask for it is a mistake', async (name) => {
  expect(await problems(setOf({ type: 'none' }, {}, { forwardHeaders: ['x-request-id', name] }))).toEqual([
    expect.stringContaining(`bad_header: the header ${JSON.stringify(name.toLowerCase())} is never sent on`),
  ])
})
