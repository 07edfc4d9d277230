import { expect, test } from 'vitest'
import type { Cache } from '../../../src/config/profile.ts'
import { type Fickle, fickleServer } from '../../helpers/fickle.ts'
import { startFixture } from '../../helpers/fixture.ts'
import { waitFor } from '../../helpers/wait.ts'
import { http, observe, observeReady, serverOf, stdio, toolCall } from './harness.ts'

const server = ({ url }: Pick<Fickle, 'url'>, mode: Cache['mode']) =>
  serverOf(http(url), { cache: { mode, persist: false }, timeouts: { connect: 1000 } })
const lists = ({ asked }: Fickle) => asked.filter((method) => method === 'tools/list').length
const look = (observed: ReturnType<typeof observe>) => observed.upstream.look(performance.now())
const names = (observed: ReturnType<typeof observe>) => observed.upstream.listing?.tools.map(({ name }) => name)

test('strict asks first, once for all who look at the same time', async () => {
  await using fickle = await fickleServer(['one'])
  await using fixture = await observeReady(server(fickle, 'strict'))
  fickle.tools.push('two')
  await Promise.all([look(fixture), look(fixture), look(fixture)])
  expect([names(fixture), lists(fickle)]).toEqual([['one', 'two'], 2])
  await look(fixture)
  expect(lists(fickle)).toBe(3)
})

test('strict asks nothing while the lists are good for as long as the server said', async () => {
  const env = { CAPABILITIES: '{"tools":{}}', TTL: '60000' }
  await using remote = await startFixture('modern-http', [], env)
  await using fixture = await observeReady(server({ url: remote.address }, 'strict'))
  expect(look(fixture)).toBeUndefined()
})

test('strict waits for the first lists of a server that is connecting', async () => {
  await using fixture = observe(
    serverOf(stdio('echo', { START_DELAY: '200' }), { cache: { mode: 'strict', persist: false } }),
  )
  await look(fixture)
  expect(fixture.upstream.state).toBe('ready')
})

test('strict goes on with what it has when the server does not answer, and asks no more for a while', async () => {
  await using fickle = await fickleServer()
  await using fixture = await observeReady(server(fickle, 'strict'))
  fickle.mood = 'hangs'
  await look(fixture)
  expect(names(fixture)).toEqual(['one', 'two'])
  expect(look(fixture)).toBeUndefined()
})

test('swr never waits: lists of a server that says nothing of changes are fetched behind whoever looks', async () => {
  await using fickle = await fickleServer(['one'])
  fickle.capabilities = { tools: {} }
  const timing = { revalidate: 0, debounce: 1, refetch: 1 }
  await using fixture = await observeReady(server(fickle, 'swr'), { timing })
  fickle.tools.push('two')
  expect(look(fixture)).toBeUndefined()
  await waitFor(() => names(fixture)?.length === 2)
})

test.each([500, 'lists nothing'] as const)('lists are fetched again that the server refused: %s', async (mood) => {
  await using fickle = await fickleServer(['one'])
  fickle.capabilities = { tools: {} }
  const timing = { revalidate: 0, debounce: 1, refetch: 1 }
  await using fixture = await observeReady(server(fickle, 'swr'), { timing })
  fickle.tools.push('two')
  fickle.mood = mood
  look(fixture)
  await waitFor(() => lists(fickle) > 1)
  fickle.mood = 'answers'
  await waitFor(() => names(fixture)?.length === 2)
})

test('a server that announces changes but could not list at first is asked again', async () => {
  await using fickle = await fickleServer(['one'])
  fickle.mood = 'lists nothing'
  await using fixture = await observeReady(server(fickle, 'swr'), { timing: { debounce: 1, refetch: 1 } })
  expect(names(fixture)).toEqual([])
  fickle.mood = 'answers'
  await waitFor(() => names(fixture)?.length === 1)
})

test.each([
  ['swr', 'of a server that announces changes', { tools: { listChanged: true } }],
  ['notify', 'of a server that does not', { tools: {} }],
] as const)('%s asks nothing anew %s', async (mode, _what, capabilities) => {
  await using fickle = await fickleServer()
  fickle.capabilities = capabilities
  await using fixture = await observeReady(server(fickle, mode), { timing: { revalidate: 0, debounce: 1, refetch: 1 } })
  expect(look(fixture)).toBeUndefined()
  await fixture.upstream.call(toolCall('one'))
  expect(lists(fickle)).toBe(1)
})

test('notify lets lists grow older than the server said', async () => {
  const env = { CAPABILITIES: '{"tools":{}}', TTL: '1' }
  await using remote = await startFixture('modern-http', [], env)
  const methods = async (): Promise<readonly string[]> =>
    JSON.parse(await (await fetch(new URL('/stats', remote.address))).text()).methods
  const timing = { debounce: 1, refetch: 1 }
  await using patient = await observeReady(server({ url: remote.address }, 'notify'), { timing })
  const before = (await methods()).length
  await using eager = await observeReady(server({ url: remote.address }, 'swr'), { timing })
  await waitFor(async () => (await methods()).length > before + 4)
  expect(patient.upstream.confirmedAt).toBeLessThan(eager.upstream.confirmedAt ?? 0)
})
