import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { boundYoung, MOST_YOUNG, youngSpace } from '../../src/proxy/young.ts'

test('the young generation grows as far as it pays and no further', async () => {
  using _bound = boundYoung()
  let alive: number[][] = []
  for (let at = 0; at < 2000; at++) {
    for (let more = 0; more < 1000; more++) alive.push(Array(25).fill(at))
    alive = alive.slice(-4000)
    await turn()
  }
  expect(youngSpace()).toBe(MOST_YOUNG)
})
