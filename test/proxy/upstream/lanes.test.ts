import { expect, test } from 'vitest'
import { Lanes } from '../../../src/proxy/upstream/lanes.ts'

test('lets in as many as are wide, then in the order they came', async () => {
  const lanes = new Lanes({ width: 1, queue: 2, patience: 10_000 })
  const order: string[] = []
  expect(lanes.enter()).toBe(true)
  const second = Promise.resolve(lanes.enter()).then((isIn) => order.push(`second ${isIn}`))
  const third = Promise.resolve(lanes.enter()).then((isIn) => order.push(`third ${isIn}`))
  expect(lanes.enter()).toBe(false)
  lanes.leave()
  await second
  lanes.leave()
  await third
  expect(order).toEqual(['second true', 'third true'])
})

test('turns away who waited too long, and keeps the place free', async () => {
  const lanes = new Lanes({ width: 1, queue: 1, patience: 10 })
  expect(lanes.enter()).toBe(true)
  expect(await lanes.enter()).toBe(false)
  lanes.leave()
  expect(lanes.enter()).toBe(true)
})

test('a narrow lane is one client’s at a time, whose calls may overlap while nobody waits', async () => {
  const lanes = new Lanes({ width: 4, queue: 4, patience: 10_000 })
  lanes.narrow()
  expect([lanes.enter({ client: 'a' }), lanes.enter({ client: 'a' })]).toEqual([true, true])
  const other = Promise.resolve(lanes.enter({ client: 'b' }))
  const third = Promise.resolve(lanes.enter({ client: 'a' }))
  lanes.leave()
  lanes.leave()
  expect(await other).toBe(true)
  lanes.leave()
  expect(await third).toBe(true)
})

test('who is asked may call before all others, to be able to answer', () => {
  const lanes = new Lanes({ width: 4, queue: 4, patience: 10, isAsked: () => true })
  lanes.narrow()
  expect(lanes.enter({ client: 'a' })).toBe(true)
  void lanes.enter({ client: 'b' })
  expect(lanes.enter({ client: 'a' })).toBe(true)
})

test('a person who thinks about a question keeps nobody else out of a narrow lane', () => {
  let isPaused = false
  const lanes = new Lanes({ width: 4, queue: 4, patience: 10, isPaused: () => isPaused })
  lanes.narrow()
  expect(lanes.enter({ client: 'a' })).toBe(true)
  isPaused = true
  expect(lanes.enter({ client: 'b' })).toBe(true)
})

test('callers without a name never share a narrow lane at once', () => {
  const lanes = new Lanes({ width: 4, queue: 4, patience: 10 })
  lanes.narrow()
  expect(lanes.enter()).toBe(true)
  expect(lanes.enter()).toBeInstanceOf(Promise)
})

test('who waited too long for a narrow lane shares it, and is no neighbour for others', async () => {
  const lanes = new Lanes({ width: 3, queue: 4, patience: 10 })
  lanes.narrow()
  expect(lanes.enter({ client: 'a' })).toBe(true)
  expect(await lanes.enter({ client: 'b' })).toBe(true)
  const third = lanes.enter({ client: 'b' })
  expect(third).toBeInstanceOf(Promise)
  expect(await third).toBe(true)
  expect(await lanes.enter({ client: 'b' })).toBe(false)
})

test('what was in flight before does not let a third in as one of its own', async () => {
  const lanes = new Lanes({ width: 4, queue: 4, patience: 10 })
  for (const client of ['a', 'b']) expect(lanes.enter({ client })).toBe(true)
  lanes.narrow()
  expect(lanes.enter({ client: 'a' })).toBeInstanceOf(Promise)
})

test('who cancels stops waiting at once', async () => {
  const lanes = new Lanes({ width: 1, queue: 1, patience: 60_000 })
  expect(lanes.enter()).toBe(true)
  const cancel = new AbortController()
  const entered = lanes.enter({ signal: cancel.signal })
  cancel.abort()
  expect(await entered).toBe(false)
})
