import { expect, test } from 'vitest'
import { Pulse } from '../../../src/proxy/downstream/pulse.ts'
import { growOld, oldSpace } from '../../helpers/heap.ts'
import { waitFor } from '../../helpers/wait.ts'

test('who stays goes on beating however many come and go beside it', async () => {
  using pulse = new Pulse()
  let beats = 0
  pulse.add({ beat: () => beats++ })
  for (let at = 0; at < 500; at++) {
    const other = { beat: () => expect.unreachable() }
    pulse.add(other)
    pulse.delete(other)
  }
  await waitFor(() => beats > 0)
})

test('what came and went is kept by nothing that grew old', () => {
  using pulse = new Pulse()
  const come = (at: number) => {
    const beating = { beat: () => {}, body: Array(100).fill(at) }
    pulse.add(beating)
    if (at % 1000 === 0) growOld()
    pulse.delete(beating)
  }
  for (let at = 0; at < 5_000; at++) come(at)
  const before = oldSpace()
  for (let at = 5_000; at < 25_000; at++) come(at)
  expect((oldSpace() - before) / 20_000).toBeLessThan(25)
})
