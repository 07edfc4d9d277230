import { expect, test } from 'vitest'
import { PrivateWays } from '../../../src/proxy/servers/private-ways.ts'
import type { Owner } from '../../../src/proxy/servers/sharing.ts'
import { configure } from '../../helpers/proxy.ts'
import { waitFor } from '../../helpers/wait.ts'
import { inFrontOf, scripted } from '../pitfalls/scripted.ts'
import { observe, serverOf, stdio } from '../upstream/harness.ts'
import { wireClient } from './wire.ts'

const IDLE = 1000
const ownerOf = (key: string): Owner => ({ key, session: key, capabilities: {}, clientInfo: {} })

function open() {
  const closed: string[] = []
  const busy = new Set<string>()
  const attended = new Set<string>()
  const keyOf = (upstream: object): string => keys.get(upstream) ?? ''
  const keys = new Map<object, string>()
  const ways = new PrivateWays({
    server: 's',
    most: 2,
    idle: IDLE,
    connect: ({ key }) => {
      const { upstream } = observe(serverOf(stdio('echo'), { enabled: false }))
      keys.set(upstream, key)
      return upstream
    },
    retire: (upstream) => {
      closed.push(keyOf(upstream))
      void upstream.close()
    },
    isBusy: (upstream) => busy.has(keyOf(upstream)),
    isAttended: ({ key }) => attended.has(key),
    opened: () => {},
  })
  return { ways, closed, busy, attended, [Symbol.dispose]: () => ways[Symbol.dispose]() }
}

test('one that nobody has used for long enough is closed, and opened anew when it is needed again', () => {
  using one = open()
  const first = one.ways.open(ownerOf('a'))
  const now = performance.now()
  one.ways.sweep(now + IDLE - 500)
  expect(one.ways.get(ownerOf('a'))).toBe(first)
  one.ways.sweep(now + IDLE + 500)
  expect(one.closed).toEqual(['a'])
  expect(one.ways.open(ownerOf('a'))).not.toBe(first)
})

test.each(['busy', 'attended'] as const)('one that is %s is kept, and its time begins when that is over', (why) => {
  using one = open()
  one.ways.open(ownerOf('a'))
  one[why].add('a')
  const later = performance.now() + 10 * IDLE
  one.ways.sweep(later)
  one[why].delete('a')
  one.ways.sweep(later + IDLE)
  expect(one.closed).toEqual([])
  one.ways.sweep(later + IDLE + 1)
  expect(one.closed).toEqual(['a'])
})

test('closing idle ones makes room for others', () => {
  using one = open()
  for (const key of ['a', 'b']) one.ways.open(ownerOf(key))
  expect(() => one.ways.open(ownerOf('c'))).toThrow('2 clients')
  one.ways.sweep(performance.now() + 2 * IDLE)
  one.ways.open(ownerOf('c'))
  expect(one.closed).toEqual(['a', 'b'])
})

test('a changed definition replaces a client’s own session: its call finishes, the new one knows its wishes', async () => {
  let finish: (() => void) | undefined
  await using server = await scripted(
    {
      'logging/setLevel': () => ({}),
      'tools/call': ({ params }) =>
        JSON.stringify(params).includes('slow')
          ? new Promise((resolve) => {
              finish = () => resolve({ content: [], slow: true })
            })
          : { content: [] },
    },
    { capabilities: { tools: {}, logging: {} } },
  )
  await using at = await inFrontOf({ s: server }, { session: 'per-client' })
  await using client = await wireClient(at.url)
  await client.ask('logging/setLevel', { level: 'error' })
  const slow = client.ask('tools/call', { name: 's_go', arguments: { slow: true } })
  await waitFor(() => finish)
  const before = server.got.length
  const deletes = () => server.got.filter(({ verb }) => verb === 'DELETE').length
  const group = { ...at.group, servers: at.group.servers.map((one) => ({ ...one, stateful: true })) }
  await configure(at.proxy, group)
  await waitFor(() => at.proxy.status()?.generation === 2)
  await waitFor(() => deletes() === 1)
  await client.ask('tools/call', { name: 's_go' })
  const told = () => server.got.slice(before).map(({ message }) => message?.method)
  await waitFor(() => told().includes('logging/setLevel'))
  expect(deletes()).toBe(1)
  finish?.()
  expect((await slow).result).toEqual({ content: [], slow: true })
  await waitFor(() => deletes() === 2)
})
