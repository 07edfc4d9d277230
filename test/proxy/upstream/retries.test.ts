import { expect, test } from 'vitest'
import { Retries } from '../../../src/proxy/upstream/retries.ts'
import { waitFor } from '../../helpers/wait.ts'

/** As many attempts as are asked for, each of which notes that it went. */
function crowd(retries: Retries, count: number) {
  const gone: number[] = []
  const yields = Array.from({ length: count }, (_, at) => retries.ask(() => void gone.push(at)))
  return { gone, yields, [Symbol.dispose]: () => giveUp(yields) }
}

function giveUp(yields: readonly (() => void)[]): void {
  for (const one of yields) one()
}

test('a few servers that are away are tried at once', () => {
  using some = crowd(new Retries(), 20)
  expect(some.gone).toHaveLength(20)
})

test('of a crowd that stays away only some are tried, the others later and in their order', async () => {
  using many = crowd(new Retries(), 1000)
  const first = many.gone.length
  expect(first).toBeLessThan(100)
  await waitFor(() => many.gone.length > first)
  expect(many.gone.length).toBeLessThan(1000)
  expect(many.gone).toEqual(many.gone.toSorted((a, b) => a - b))
})

test('a crowd that is back is back at once', () => {
  const retries = new Retries(() => 0)
  let back = 0
  for (let at = 0; at < 1000; at++)
    retries.ask(() => {
      back++
      queueMicrotask(() => retries.succeeded())
    })
  expect(back).toBeLessThan(100)
  return waitFor(() => back === 1000)
})

test('who gives up is not tried', async () => {
  let now = 0
  const retries = new Retries(() => now)
  using many = crowd(retries, 1000)
  const { length } = many.gone
  giveUp(many.yields)
  now += 60_000
  using one = crowd(retries, 1)
  expect([many.gone.length, one.gone.length]).toEqual([length, 1])
})
