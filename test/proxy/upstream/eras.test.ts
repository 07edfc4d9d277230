import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Server } from '../../../src/config/profile.ts'
import type { Era } from '../../../src/proxy/mcp/era.ts'
import { type FixtureProcess, startFixture } from '../../helpers/fixture.ts'
import { tempFolder } from '../../helpers/temp.ts'
import { http, modernCall, observe, observeReady, serverOf, stdio, textOf, toolCall } from './harness.ts'

async function methodsOf({ address }: FixtureProcess): Promise<readonly string[]> {
  const response = await fetch(new URL('/stats', address), { headers: { connection: 'close' } })
  return JSON.parse(await response.text()).methods
}

const hello = ['initialize', 'notifications/initialized', 'tools/list']
const unsupported = (supported: readonly string[]) =>
  JSON.stringify({ code: -32022, message: 'Unsupported', data: { supported } })

test.each<[string, Readonly<Record<string, string>>, Era, readonly string[]]>([
  ['modern only', {}, 'modern', ['server/discover', 'tools/list']],
  ['of both eras', { SPEAKS: 'dual' }, 'modern', ['server/discover', 'tools/list']],
  ['legacy, with an error', { SPEAKS: 'legacy' }, 'legacy', ['server/discover', ...hello]],
  ['legacy, without a word', { SPEAKS: 'legacy', PLAIN: '1' }, 'legacy', ['server/discover', ...hello]],
  [
    'of both, but asks for the older',
    { SPEAKS: 'dual', VERSIONS: '["2025-11-25"]' },
    'legacy',
    ['server/discover', ...hello],
  ],
  [
    'refusing in modern words',
    { SPEAKS: 'dual', REFUSE: unsupported(['2025-06-18']) },
    'legacy',
    ['server/discover', ...hello],
  ],
])('finds the era of a remote server that is %s', async (_what, env, era, methods) => {
  await using server = await startFixture('modern-http', [], { CAPABILITIES: '{"tools":{}}', ...env })
  await using fixture = await observeReady(serverOf(http(server.address)))
  expect(fixture.upstream.listing?.era).toBe(era)
  expect(await methodsOf(server)).toEqual(methods)
})

test('U-02: a remote server that answers initialize but not the probe is a legacy one, and that is remembered', async () => {
  await using owner = await tempFolder()
  await using server = await startFixture('modern-http', [], { SPEAKS: 'dual', SILENT: '1' })
  const definition = serverOf(http(server.address), { timeouts: { connect: 1000 } })
  await using fixture = await observeReady(definition, { owner: owner.path })
  expect(fixture.upstream.listing?.era).toBe('legacy')
  await fixture.upstream.close()
  expect(await keptIn(owner.path)).toMatchObject({ verdict: expect.objectContaining({ era: 'legacy' }) })
})

test.each([
  ['no revision in common', { VERSIONS: '["2031-01-01"]' }, 'no common protocol version: the server says 2031-01-01'],
  ['a modern refusal', { REFUSE: '{"code":-32021,"message":"needs more"}' }, 'server/discover was refused: needs more'],
])('fails with %s', async (_what, env, message) => {
  await using server = await startFixture('modern-http', [], env)
  await using fixture = observe(serverOf(http(server.address)))
  await fixture.upstream.settled()
  expect(fixture.upstream.lastError).toContain(message)
  expect(await methodsOf(server)).toEqual(['server/discover'])
})

test.each([
  ['modern', 'legacy', 'the server does not speak 2026-07-28 (set "protocol" to "auto" or "legacy")'],
  ['legacy', 'modern', 'the server speaks 2026-07-28 only (set "protocol" to "auto" or "modern")'],
] as const)('a profile that says %s fails on a %s server and names the setting', async (protocol, SPEAKS, message) => {
  await using server = await startFixture('modern-http', [], { SPEAKS })
  await using remote = observe(serverOf(http(server.address), { protocol }))
  await using process = observe(serverOf(stdio('modern-stdio', { SPEAKS }), { protocol }))
  for (const { upstream } of [remote, process]) {
    await upstream.settled()
    expect([upstream.state, upstream.lastError]).toEqual(['failed', message])
  }
})

test.each(['legacy', 'modern'] as const)('a profile that says %s asks nothing else', async (protocol) => {
  await using server = await startFixture('modern-http', [], { SPEAKS: 'dual', CAPABILITIES: '{"tools":{}}' })
  await using fixture = await observeReady(serverOf(http(server.address), { protocol }))
  expect(fixture.upstream.listing?.era).toBe(protocol)
  expect((await methodsOf(server))[0]).toBe(protocol === 'modern' ? 'server/discover' : 'initialize')
})

test('initialises a process, and goes on in the modern era when it knows no other', async () => {
  await using dual = await observeReady(serverOf(stdio('modern-stdio', { SPEAKS: 'dual' })))
  expect(dual.upstream.listing?.era).toBe('legacy')
  await using fixture = await observeReady(serverOf(stdio('modern-stdio')))
  const { upstream } = fixture
  expect([upstream.listing?.era, upstream.restarts]).toEqual(['modern', 0])
  const { methods } = JSON.parse(textOf(await upstream.call(modernCall('stats'))))
  expect(methods.slice(0, 3)).toEqual(['initialize', 'server/discover', 'tools/list'])
})

test.each([401, 403, 500, 502, 503, 429])('sees no era in HTTP %s', async (status) => {
  await using server = await startFixture('replies', [], { PROBE_STATUS: String(status) })
  await using owner = await tempFolder()
  await using fixture = observe(serverOf(http(server.address)), { owner: owner.path })
  await fixture.upstream.settled()
  expect(fixture.upstream.lastError).toContain(`HTTP ${status}`)
  expect(await readdir(owner.path)).toEqual([])
})

test.each([400, 404, 405, 406, 415, 422])(
  'initialises a server that answers the probe with HTTP %s',
  async (status) => {
    await using server = await startFixture('replies', [], { PROBE_STATUS: String(status) })
    await using fixture = await observeReady(serverOf(http(server.address)))
    expect(fixture.upstream.listing?.era).toBe('legacy')
  },
)

interface Kept {
  readonly file: string
  readonly verdict: { readonly era: string; readonly at: string } | undefined
}

/** What the one snapshot under an owner says of the era. */
async function keptIn(owner: string): Promise<Kept> {
  const [name = ''] = await readdir(join(owner, 'catalog'))
  const file = join(owner, 'catalog', name)
  const { verdict } = JSON.parse(await readFile(file, 'utf8'))
  return { file, verdict }
}

/** Starts an upstream once, so that something is known of it, and returns where. */
async function keptOf(server: Server, owner: string): Promise<Kept> {
  await using earlier = await observeReady(server, { owner })
  await earlier.upstream.close()
  return keptIn(owner)
}

/** Puts another verdict where one was kept; the rest stays. */
async function rewrite(file: string, verdict: unknown): Promise<void> {
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), verdict }))
}

test('remembers with its date what a remote server speaks, for nobody else to read', async () => {
  await using owner = await tempFolder()
  await using server = await startFixture('modern-http')
  const { verdict, file } = await keptOf(serverOf(http(server.address)), owner.path)
  expect([verdict?.era, new Date(verdict?.at ?? 0).toISOString()]).toEqual(['modern', verdict?.at])
  const paths = [file, join(owner.path, 'catalog')]
  const modes = await Promise.all(paths.map(async (path) => (await stat(path)).mode & 0o777))
  expect(modes).toEqual([0o600, 0o700])
})

const hour = 60 * 60 * 1000

test.each([
  ['an hour old', -hour, 'initialize'],
  ['a day old', -25 * hour, 'server/discover'],
  ['of the future', hour, 'server/discover'],
])('a legacy verdict %s leads to %3$s', async (_what, age, first) => {
  await using owner = await tempFolder()
  await using server = await startFixture('http')
  const { verdict, file } = await keptOf(serverOf(http(server.address)), owner.path)
  expect(verdict?.era).toBe('legacy')
  await rewrite(file, { era: 'legacy', at: new Date(Date.now() + age) })
  const before = (await methodsOf(server)).length
  await using _later = await observeReady(serverOf(http(server.address)), { owner: owner.path })
  expect((await methodsOf(server))[before]).toBe(first)
})

test.each([null, {}, { era: 'other', at: '2026-01-01' }, { era: 'legacy', at: 'soon' }, { era: 'legacy' }])(
  'a verdict that says %j is as good as none',
  async (verdict) => {
    await using owner = await tempFolder()
    await using server = await startFixture('http')
    const definition = serverOf(http(server.address))
    const { file } = await keptOf(definition, owner.path)
    await rewrite(file, verdict)
    await keptOf(definition, owner.path)
    expect((await methodsOf(server)).filter((method) => method === 'server/discover')).toHaveLength(2)
    expect(await keptIn(owner.path)).toMatchObject({ verdict: { era: 'legacy' } })
  },
)

test.each([
  ['modern', 'legacy'],
  ['legacy', 'modern'],
])('a %s verdict on a server that is %s by now is replaced at once', async (era, SPEAKS) => {
  await using owner = await tempFolder()
  await using server = await startFixture('modern-http', [], { SPEAKS })
  const definition = serverOf(http(server.address))
  const { file } = await keptOf(definition, owner.path)
  await rewrite(file, { era, at: new Date() })
  await using later = await observeReady(definition, { owner: owner.path })
  expect(later.upstream.listing?.era).toBe(SPEAKS)
  await later.upstream.close()
  expect(await keptIn(owner.path)).toMatchObject({ verdict: { era: SPEAKS } })
})

test('a lost session comes back without another probe', async () => {
  await using server = await startFixture('http')
  await using fixture = await observeReady(serverOf(http(server.address)))
  await fetch(new URL('/forget', server.address), { method: 'POST', headers: { connection: 'close' } })
  await fixture.upstream.call(toolCall('echo'))
  const methods = await methodsOf(server)
  expect(methods.filter((method) => method === 'server/discover')).toHaveLength(1)
  expect(methods.filter((method) => method === 'initialize')).toHaveLength(2)
})
