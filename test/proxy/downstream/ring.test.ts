import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesOf, RING_BYTES, Ring } from '../../../src/proxy/downstream/ring.ts'
import { framed } from '../../helpers/framed.ts'

test('keeps the newest within its bounds, in order, and knows their weight', () => {
  const size = fc.oneof(fc.nat(2000), fc.nat(2 * RING_BYTES))
  fc.assert(
    fc.property(fc.array(size, { maxLength: 400 }), fc.nat(400), (sizes, after) => {
      const ring = new Ring()
      for (const [i, bytes] of sizes.entries()) ring.push({ seq: i + 1, body: '', bytes })
      const kept = ring.after(0)
      expect(kept.map(({ seq }) => seq)).toEqual(kept.map((_, i) => sizes.length - kept.length + i + 1))
      expect(ring.bytes).toBe(kept.reduce((sum, { bytes }) => sum + bytes, 0))
      expect(kept.length).toBeLessThanOrEqual(256)
      if (kept.length > 1) expect(ring.bytes).toBeLessThanOrEqual(RING_BYTES)
      expect(ring.after(after)).toEqual(kept.filter(({ seq }) => seq > after))
      if (sizes.length > 0) expect(kept.at(-1)?.seq).toBe(sizes.length)
    }),
  )
})

test('a cleared ring is empty and weighs nothing', () => {
  const ring = new Ring()
  ring.push({ seq: 1, body: 'x', bytes: 1 })
  ring.clear()
  expect([ring.after(0), ring.bytes]).toEqual([[], 0])
})

test('text and bytes weigh the same', () => {
  expect(bytesOf('{"a":"ü"}')).toBe(bytesOf(framed('{"a":"ü"}')))
})
