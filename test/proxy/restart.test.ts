import { expect, test } from 'vitest'
import type { Cache, Server } from '../../src/config/profile.ts'
import { type Fickle, fickleServer } from '../helpers/fickle.ts'
import { groupOf, serverOf } from '../helpers/group.ts'
import { rawSession } from '../helpers/mcp.ts'
import { ask } from '../helpers/modern.ts'
import {
  configure,
  type HeldSocket,
  holdSocket,
  type RunningProxy,
  startProxy,
  startReadyProxy,
} from '../helpers/proxy.ts'
import { type TempFolder, tempFolder } from '../helpers/temp.ts'
import { waitFor } from '../helpers/wait.ts'

const remote = (name: string, { url }: Pick<Fickle, 'url'>, fields: Partial<Server> = {}) =>
  serverOf(name, {
    transport: { kind: 'http', url, headers: {} },
    cache: { mode: 'swr', persist: true },
    ...fields,
  })

interface Ground extends AsyncDisposable {
  readonly owner: TempFolder
  readonly socket: HeldSocket
  readonly a: Fickle
  readonly b: Fickle
}

async function ground(): Promise<Ground> {
  const owner = await tempFolder()
  const socket = await holdSocket()
  const [a, b] = [await fickleServer(), await fickleServer()]
  return {
    owner,
    socket,
    a,
    b,
    async [Symbol.asyncDispose]() {
      for (const one of [a, b, owner]) await one[Symbol.asyncDispose]()
      socket[Symbol.dispose]()
    },
  }
}

interface Start {
  readonly servers?: readonly Server[]
  readonly listWait?: number
}

function optionsOf({ owner, socket, a, b }: Ground, { servers, listWait = 5000 }: Start) {
  const group = groupOf(servers ?? [remote('a', a), remote('b', b)], { listWait })
  return { group, socket, start: { owner: owner.path } }
}

const first = (at: Ground, start: Start = {}) => startReadyProxy(optionsOf(at, start))
const again = (at: Ground, start: Start = {}) => startProxy(optionsOf(at, start))

/** Lets a group be ready once with what its servers list now. */
async function once(at: Ground, start: Start = {}): Promise<void> {
  await using _proxy = await first(at, start)
}

const namesIn = (result: Record<string, unknown> | undefined) =>
  (result?.tools as { name: string }[] | undefined)?.map(({ name }) => name)
const listed = async (proxy: RunningProxy) => {
  const session = await rawSession(`${proxy.url}/mcp`)
  return namesIn((await session.ask('tools/list'))[0]?.result)
}
const silence = ({ a, b }: Ground) => {
  a.mood = 'hangs'
  b.mood = 'hangs'
}

const all = ['a_one', 'a_two', 'b_one', 'b_two']

test('a restarted group lists everything before any server has said a word', async () => {
  await using at = await ground()
  await using before = await first(at)
  const session = await rawSession(`${before.url}/mcp`)
  const [list] = await session.ask('tools/list')
  const discovered = await ask(`${before.url}/mcp`, 'server/discover')
  await before[Symbol.asyncDispose]()
  silence(at)
  await using proxy = await again(at, { listWait: 60_000 })
  const later = await rawSession(`${proxy.url}/mcp`)
  expect(later.initialized?.result).toEqual(session.initialized?.result)
  expect((await later.ask('tools/list'))[0]).toEqual(list)
  expect(await ask(`${proxy.url}/mcp`, 'server/discover')).toEqual(discovered)
  expect(namesIn((await ask(`${proxy.url}/servers/a/mcp`, 'tools/list')).result)).toEqual(['one', 'two'])
  expect(proxy.status()?.state).toBe('starting')
  expect(proxy.status()?.servers.map(({ state, tools }) => [state, tools])).toEqual([
    ['connecting', 2],
    ['connecting', 2],
  ])
})

test('a call waits only for its own server', async () => {
  await using at = await ground()
  await once(at)
  at.b.mood = 'hangs'
  await using proxy = await again(at)
  const session = await rawSession(`${proxy.url}/mcp`)
  const [answer] = await session.ask('tools/call', { name: 'a_one', arguments: {} })
  expect(answer?.result).toEqual({ content: [{ type: 'text', text: 'one' }] })
  expect(proxy.status()?.servers[1]?.state).toBe('connecting')
})

test('a proxy killed with -9 while it writes leaves a whole file, of before or after', async () => {
  await using at = await ground()
  const start = { servers: [remote('a', at.a)] }
  await once(at, start)
  const listOf = (round: number): string[] => Array.from({ length: 3000 }, (_, i) => `tool-${i}-of-${round}`)
  for (let round = 1; round <= 6; round++) {
    at.a.tools = listOf(round)
    const proxy = await again(at, start)
    await waitFor(() => proxy.status()?.state === 'ready')
    proxy.kill('SIGKILL')
    await proxy.exited
    expect(proxy.log.filter((line) => line.includes('snapshot'))).toEqual([])
  }
  silence(at)
  await using last = await again(at, start)
  const names = await listed(last)
  const [, round = 0] = /-of-(\d)$/.exec(names?.[0] ?? '') ?? []
  expect(names).toEqual(round === 0 ? ['a_one', 'a_two'] : listOf(Number(round)).map((name) => `a_${name}`))
})

test('lists that are still the same are told to nobody; others are, once they are in place', async () => {
  await using at = await ground()
  await once(at)
  await using proxy = await again(at)
  const session = await rawSession(`${proxy.url}/mcp`)
  await session.ask('tools/list')
  const stream = await fetch(`${proxy.url}/mcp`, {
    headers: { accept: 'text/event-stream', 'mcp-session-id': session.id },
  })
  await waitFor(() => proxy.status()?.state === 'ready')
  const told: string[] = []
  const reading = (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of stream.body ?? []) told.push(decoder.decode(chunk as Uint8Array))
  })()
  // Every message is heard in order: what came before this one would have come before it.
  await session.ask('tools/call', { name: 'a_one', arguments: {} })
  expect(told.join('')).not.toContain('list_changed')
  at.a.tools.push('three')
  const { url } = at.a
  const restart = { policy: 'always', backoff: 50, maxBackoff: 500 } as const
  await configure(proxy, groupOf([remote('a', { url }, { restart }), remote('b', at.b)]))
  await waitFor(() => told.join('').includes('notifications/tools/list_changed'))
  await proxy[Symbol.asyncDispose]()
  await reading.catch(() => {})
})

test('other filters, names and prefixes apply to what is known from the last start', async () => {
  await using at = await ground()
  await once(at)
  silence(at)
  const tools = { allow: ['one'], deny: [], rename: { one: 'uno' }, override: { one: { title: 'Uno' } } }
  await using proxy = await again(at, { servers: [remote('a', at.a, { prefix: 'x_', tools }), remote('c', at.b)] })
  expect(await listed(proxy)).toEqual(['x_uno', 'c_one', 'c_two'])
})

test('what one server lists is known to every group of the project', async () => {
  await using at = await ground()
  await once(at)
  silence(at)
  using socket = await holdSocket()
  const options = optionsOf(at, { servers: [remote('a', at.a)] })
  await using other = await startProxy({ ...options, group: { ...options.group, name: 'other' }, socket })
  expect(await listed(other)).toEqual(['a_one', 'a_two'])
})

test('a server that was never known holds the first list up, for as long as listWait', async () => {
  await using at = await ground()
  await once(at, { servers: [remote('a', at.a)] })
  silence(at)
  await using proxy = await again(at, { listWait: 300 })
  expect(await listed(proxy)).toEqual(['a_one', 'a_two'])
})

test('a server that is gone for good goes on being listed; calls to it are refused', async () => {
  await using at = await ground()
  await once(at)
  at.b.mood = 503
  await using proxy = await again(at)
  await waitFor(() => proxy.status()?.state === 'degraded')
  const session = await rawSession(`${proxy.url}/mcp`)
  expect(namesIn((await session.ask('tools/list'))[0]?.result)).toEqual(all)
  const [refused] = await session.ask('tools/call', { name: 'b_one', arguments: {} })
  expect(refused?.error).toMatchObject({ code: -31001, data: { mcpctl: { upstream: 'b' } } })
})

test('a server that refuses the credentials is not listed any more', async () => {
  await using at = await ground()
  await once(at)
  at.b.mood = 401
  await using proxy = await again(at)
  await waitFor(async () => (await listed(proxy))?.length === 2)
  // The status is told a moment after the lists have changed.
  await waitFor(() => proxy.status()?.servers[1]?.state === 'authRequired')
})

test('a name that nobody knew at the last start is waited for', async () => {
  await using at = await ground()
  await once(at)
  at.a.tools.push('three')
  await using proxy = await again(at)
  const session = await rawSession(`${proxy.url}/mcp`)
  const [answer] = await session.ask('tools/call', { name: 'a_three', arguments: {} })
  expect(answer?.result).toEqual({ content: [{ type: 'text', text: 'three' }] })
})

test.each<[Cache, readonly string[] | undefined]>([
  [{ mode: 'swr', persist: false }, []],
  [{ mode: 'notify', persist: true }, ['a_one', 'a_two']],
  [{ mode: 'strict', persist: true }, ['a_one', 'a_two']],
])('with cache %j a silent server lists %j after the wait', async (cache, names) => {
  await using at = await ground()
  const start = { servers: [remote('a', at.a, { cache })], listWait: 200 }
  await once(at, start)
  silence(at)
  await using proxy = await again(at, start)
  expect(await listed(proxy)).toEqual(names)
})

test('strict shows what the server says now, whatever it said at the last start', async () => {
  await using at = await ground()
  const start = { servers: [remote('a', at.a, { cache: { mode: 'strict', persist: true } })] }
  await once(at, start)
  at.a.tools.push('three')
  await using proxy = await again(at, start)
  expect(await listed(proxy)).toEqual(['a_one', 'a_two', 'a_three'])
  at.a.tools.push('four')
  expect(await listed(proxy)).toEqual(['a_one', 'a_two', 'a_three', 'a_four'])
})

test('the epoch is the same for the same lists, also after a restart, and another one for others', async () => {
  await using at = await ground()
  await using before = await first(at)
  const epoch = before.status()?.catalog.epoch
  await before[Symbol.asyncDispose]()
  silence(at)
  await using silent = await again(at)
  await waitFor(() => silent.status()?.catalog.epoch === epoch)
  await silent[Symbol.asyncDispose]()
  at.a.mood = 'answers'
  at.b.mood = 'answers'
  at.a.tools.push('three')
  await using changed = await first(at)
  expect(changed.status()?.catalog.epoch).not.toBe(epoch)
})

test('one server that hangs or fails is not on the way of the others', async () => {
  await using at = await ground()
  await once(at)
  const measure = async (): Promise<number> => {
    await using proxy = await again(at)
    const session = await rawSession(`${proxy.url}/mcp`)
    await session.ask('tools/call', { name: 'a_one', arguments: {} })
    const times = []
    for (let i = 0; i < 50; i++) {
      const begun = performance.now()
      await session.ask('tools/list')
      await session.ask('tools/call', { name: 'a_one', arguments: {} })
      times.push(performance.now() - begun)
    }
    return times.sort((x, y) => x - y)[25] ?? 0
  }
  const well = await measure()
  for (const mood of ['hangs', 503] as const) {
    at.b.mood = mood
    // A wait for the other server would be hundreds of times as long.
    expect((await measure()) / well).toBeLessThan(20)
  }
})
