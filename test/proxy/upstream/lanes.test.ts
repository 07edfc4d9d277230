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
