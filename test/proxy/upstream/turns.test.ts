import { describe, expect, test } from 'vitest'
import { type Rank, Turns } from '../../../src/proxy/upstream/turns.ts'
import { waitFor } from '../../helpers/wait.ts'
import { observe, serverOf, stdio, textOf, toolCall } from './harness.ts'

const never = 60_000

function asked(turns: Turns, ranks: readonly Rank[]) {
  const order: number[] = []
  const all = ranks.map((rank, index) => {
    const turn = turns.ask(rank)
    void turn.begun.then(() => order.push(index))
    return turn
  })
  return {
    order,
    end: (index: number) => all[index]?.[Symbol.dispose](),
    hurry: (index: number) => all[index]?.hurry(),
  }
}

describe('turns', () => {
  test('only so many have theirs at once, and each that ends lets in the next', async () => {
    const { order, end } = asked(new Turns({ most: 2, longest: never }), ['other', 'other', 'other', 'other'])
    await waitFor(() => order.length === 2)
    expect(order).toEqual([0, 1])
    end(1)
    await waitFor(() => order.length === 3)
    expect(order).toEqual([0, 1, 2])
    for (const index of [0, 2, 3]) end(index)
  })

  test('what served before goes first, then what is required, then the order of asking', async () => {
    const ranks = ['other', 'required', 'other', 'again', 'required'] as const
    const { order, end } = asked(new Turns({ most: 1, longest: never }), ranks)
    for (const index of [3, 1, 4, 0, 2]) {
      await waitFor(() => order.at(-1) === index)
      end(index)
    }
    expect(order).toEqual([3, 1, 4, 0, 2])
  })

  test('one that takes too long does not keep the next from starting', async () => {
    const { order, end } = asked(new Turns({ most: 1, longest: 5 }), ['other', 'other', 'other'])
    await waitFor(() => order.length === 3)
    expect(order).toEqual([0, 1, 2])
    for (const index of [0, 1, 2]) end(index)
  })

  test('one that somebody waits for begins at once', async () => {
    const { order, end, hurry } = asked(new Turns({ most: 1, longest: never }), ['other', 'other', 'other'])
    await waitFor(() => order.length === 1)
    hurry(2)
    await waitFor(() => order.length === 2)
    expect(order).toEqual([0, 2])
    for (const index of [0, 1, 2]) end(index)
  })

  test('one given up while it waits neither starts nor holds a place', async () => {
    const turns = new Turns({ most: 1, longest: never })
    const { order, end } = asked(turns, ['other', 'other', 'other'])
    await waitFor(() => order.length === 1)
    end(1)
    end(0)
    await waitFor(() => order.includes(2))
    end(2)
  })
})

describe('servers that take turns', () => {
  const hung = serverOf(stdio('silent'), { name: 'hung', timeouts: { connect: 30_000 } })
  const good = (name: string) => serverOf(stdio('echo'), { name })

  test('start one after the other, all of them', async () => {
    const turns = new Turns({ most: 1, longest: never })
    await using first = observe(good('first'), { turns })
    await using second = observe(good('second'), { turns })
    await using third = observe(good('third'), { turns })
    await first.upstream.settled()
    expect([first, second, third].map(({ upstream }) => upstream.state)).toEqual(['ready', 'connecting', 'connecting'])
    await third.upstream.settled()
    expect([second, third].map(({ upstream }) => upstream.state)).toEqual(['ready', 'ready'])
  })

  test('get past one that hangs', async () => {
    const turns = new Turns({ most: 1, longest: 50 })
    await using stuck = observe(hung, { turns })
    await using next = observe(good('next'), { turns })
    await next.upstream.settled()
    expect([stuck, next].map(({ upstream }) => upstream.state)).toEqual(['connecting', 'ready'])
  })

  test('spend none of their time to connect while they wait', async () => {
    const turns = new Turns({ most: 1, longest: 2500 })
    await using _stuck = observe(hung, { turns })
    await using next = observe(serverOf(stdio('echo'), { name: 'next', timeouts: { connect: 2000 } }), { turns })
    await next.upstream.settled()
    expect(next.states).toEqual(['connecting', 'ready'])
  })

  test('do not wait when a call does', async () => {
    const turns = new Turns({ most: 1, longest: never })
    await using stuck = observe(hung, { turns })
    await using next = observe(good('next'), { turns })
    const answer = await next.upstream.call(toolCall('echo', { text: 'hello' }))
    expect(textOf(answer)).toContain('hello')
    expect(stuck.upstream.state).toBe('connecting')
  })

  test('come back after a crash before those that have not started yet', async () => {
    const turns = new Turns({ most: 1, longest: never })
    await using crashing = observe(serverOf(stdio('echo'), { name: 'crashing', restart: { backoff: 1 } }), { turns })
    await crashing.upstream.settled()
    const place = turns.ask('other')
    await place.begun
    await using next = observe(good('next'), { turns })
    process.kill(crashing.upstream.pid ?? 0, 'SIGKILL')
    await waitFor(() => crashing.upstream.restarts === 1)
    place[Symbol.dispose]()
    await waitFor(() => crashing.upstream.state === 'ready')
    expect(next.upstream.state).toBe('connecting')
  })

  test('end at once when they are closed while they wait', async () => {
    const turns = new Turns({ most: 1, longest: never })
    await using _stuck = observe(hung, { turns })
    const next = observe(good('next'), { turns })
    await next.upstream.close()
    expect(next.states).toEqual(['connecting'])
    expect(next.logs.filter(({ msg }) => msg === 'server not ready')).toEqual([])
  })
})
