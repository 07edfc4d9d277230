import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Server } from '../../../src/config/profile.ts'
import { memoryKeyOf } from '../../../src/proxy/servers/memory-key.ts'
import { fickleServer } from '../../helpers/fickle.ts'
import { tempFolder } from '../../helpers/temp.ts'
import { waitFor } from '../../helpers/wait.ts'
import { http, observe, observeReady, serverOf, stdio, textOf, toolCall } from './harness.ts'

const names = (observed: ReturnType<typeof observe>) => observed.upstream.listing?.tools.map(({ name }) => name)
const fileOf = (server: Server, owner: string) => join(owner, 'catalog', `${memoryKeyOf(server)}.json`)
const kept = async (server: Server, owner: string) => JSON.parse(await readFile(fileOf(server, owner), 'utf8'))

/** Lets the server be asked once, so that its lists are on disk. */
async function once(server: Server, owner: string): Promise<void> {
  await using earlier = await observeReady(server, { owner })
  await earlier.upstream.close()
}

test('shows the lists of the last start while the server is silent', async () => {
  await using owner = await tempFolder()
  await using fickle = await fickleServer()
  const server = serverOf(http(fickle.url))
  await using earlier = await observeReady(server, { owner: owner.path })
  await earlier.upstream.close()
  fickle.mood = 'hangs'
  await using later = observe(server, { owner: owner.path })
  await later.upstream.known()
  expect(later.upstream.listing).toEqual(earlier.upstream.listing)
  expect([later.upstream.state, later.upstream.confirmedAt]).toEqual(['connecting', undefined])
})

test('lists that are still the same are no news, and are not written again', async () => {
  await using owner = await tempFolder()
  await using fickle = await fickleServer()
  const server = serverOf(http(fickle.url))
  await once(server, owner.path)
  const before = await stat(fileOf(server, owner.path))
  await using later = await observeReady(server, { owner: owner.path })
  const { listing } = later.upstream
  await later.upstream.close()
  expect(later.listed).toBe(1)
  expect(later.upstream.listing).toBe(listing)
  expect((await stat(fileOf(server, owner.path))).ino).toBe(before.ino)
})

test('lists that changed meanwhile are news, and what the next start begins with', async () => {
  await using owner = await tempFolder()
  await using fickle = await fickleServer(['one'])
  const server = serverOf(http(fickle.url))
  await once(server, owner.path)
  fickle.tools.push('two')
  await using later = await observeReady(server, { owner: owner.path })
  expect([names(later), later.listed]).toEqual([['one', 'two'], 2])
  await later.upstream.close()
  expect(await kept(server, owner.path)).toMatchObject({ listing: { tools: [{ name: 'one' }, { name: 'two' }] } })
})

test('a call waits for the server it needs, not for what was known of it', async () => {
  await using owner = await tempFolder()
  const server = serverOf(stdio('echo', { START_DELAY: '300' }))
  await once(server, owner.path)
  await using later = observe(server, { owner: owner.path })
  await later.upstream.known()
  expect(later.upstream.state).toBe('connecting')
  expect(textOf(await later.upstream.call(toolCall('echo', { text: 'hi' })))).toBe('hi')
})

test('a server that is gone for good keeps its lists, and refuses calls', async () => {
  await using owner = await tempFolder()
  await using fickle = await fickleServer()
  const server = serverOf(http(fickle.url), { timeouts: { connect: 300 } })
  await once(server, owner.path)
  fickle.mood = 503
  await using later = observe(server, { owner: owner.path })
  await later.upstream.settled()
  expect(names(later)).toEqual(['one', 'two'])
  await expect(later.upstream.call(toolCall('one'))).rejects.toMatchObject({ code: -31001 })
  await later.upstream.close()
  expect(await kept(server, owner.path)).toMatchObject({ listing: { tools: [{ name: 'one' }, { name: 'two' }] } })
})

test.each([401, 403])(
  'a server that refuses the credentials with %i shows nothing it said to them before',
  async (status) => {
    await using owner = await tempFolder()
    await using fickle = await fickleServer()
    const server = serverOf(http(fickle.url), { restart: { policy: 'never' } })
    await once(server, owner.path)
    fickle.mood = status
    await using later = observe(server, { owner: owner.path })
    await later.upstream.settled()
    await later.upstream.known()
    expect(names(later)).toBeUndefined()
    await later.upstream.close()
    expect((await kept(server, owner.path)).listing).toBeUndefined()
  },
)

test('lists seen in this life stay when the credentials are refused, but not on disk; and come back with them', async () => {
  await using owner = await tempFolder()
  await using fickle = await fickleServer()
  const server = serverOf(http(fickle.url))
  await using fixture = await observeReady(server, { owner: owner.path, timing: { hopeless: 100 } })
  fickle.mood = 401
  await expect(fixture.upstream.call(toolCall('one'))).rejects.toMatchObject({ facts: { kind: 'auth_required' } })
  await waitFor(() => fixture.upstream.state === 'authRequired')
  expect(names(fixture)).toEqual(['one', 'two'])
  await waitFor(async () => (await kept(server, owner.path)).listing === undefined)
  fickle.mood = 'answers'
  await waitFor(() => fixture.upstream.state === 'ready')
  await waitFor(async () => (await kept(server, owner.path)).listing !== undefined)
})

test('other credentials are another memory', async () => {
  await using owner = await tempFolder()
  await using fickle = await fickleServer()
  const as = (token: string) => serverOf(http(fickle.url, { headers: { Authorization: token } }))
  await once(as('a'), owner.path)
  fickle.mood = 'hangs'
  await using other = observe(as('b'), { owner: owner.path })
  await using same = observe(as('a'), { owner: owner.path })
  await same.upstream.known()
  expect([names(same), names(other)]).toEqual([['one', 'two'], undefined])
})

test.each<[string, boolean, Partial<Server>]>([
  ['name', true, { name: 'other' }],
  ['prefix', true, { prefix: 'p_' }],
  ['filter', true, { tools: { allow: ['one'], deny: [], rename: {}, override: {} } }],
  ['cache', true, { cache: { mode: 'strict', persist: true } }],
  ['protocol', false, { protocol: 'legacy' }],
  ['arguments', false, { transport: stdio('paging') }],
  ['environment', false, { transport: stdio('echo', { TOKEN: 'x' }) }],
])('another %s: the same memory is %s', (_what, isSame, fields) => {
  const server = serverOf(stdio('echo'))
  expect(memoryKeyOf({ ...server, ...fields }) === memoryKeyOf(server)).toBe(isSame)
})

test.each(['', '{', 'null', '{"format":0}', '{"format":1,"listing":{"tools":[]}}', '\0'])(
  'a file that holds %j is ignored, said so, and written anew',
  async (content) => {
    await using owner = await tempFolder()
    await using fickle = await fickleServer()
    const server = serverOf(http(fickle.url))
    await once(server, owner.path)
    await writeFile(fileOf(server, owner.path), content)
    await using later = await observeReady(server, { owner: owner.path })
    await later.upstream.close()
    const said = { level: 'warn', msg: 'the snapshot on disk is of no use' }
    expect(later.logs).toContainEqual(expect.objectContaining(said))
    expect(await kept(server, owner.path)).toMatchObject({ format: 1, listing: { tools: [{}, {}] } })
  },
)

test('a folder that cannot be written costs the memory, nothing else', async () => {
  await using temp = await tempFolder()
  await mkdir(join(temp.path, 'state'))
  await writeFile(join(temp.path, 'state', 'catalog'), 'a file')
  await using fickle = await fickleServer()
  for (const folder of ['state', 'missing']) {
    await using fixture = await observeReady(serverOf(http(fickle.url)), { owner: join(temp.path, folder) })
    expect(textOf(await fixture.upstream.call(toolCall('one')))).toBe('one')
    await waitFor(() => fixture.logs.some(({ msg }) => msg === 'the snapshot is not kept'))
  }
  expect(await readdir(temp.path)).toEqual(['state'])
})

test('no credential gets onto the disk, not even through a server that repeats it', async () => {
  await using owner = await tempFolder()
  await using fickle = await fickleServer(['sesame-open'])
  const server = serverOf(http(fickle.url, { headers: { Authorization: 'sesame-open' } }))
  await using fixture = await observeReady(server, { owner: owner.path, secrets: ['sesame-open'] })
  await fixture.upstream.close()
  expect(fixture.logs).toContainEqual(expect.objectContaining({ reason: 'the server repeats a secret' }))
  expect(await readdir(join(owner.path, 'catalog')).catch(() => [])).toEqual([])
})

test('what was removed while the server runs comes back with its next change', async () => {
  await using owner = await tempFolder()
  await using fixture = await observeReady(serverOf(stdio('echo')), { owner: owner.path })
  await waitFor(async () => (await readdir(join(owner.path, 'catalog'))).length === 1)
  await rm(join(owner.path, 'catalog'), { recursive: true })
  await fixture.upstream.call(toolCall('grow'))
  await waitFor(async () => (await readdir(join(owner.path, 'catalog'))).length === 1)
})
