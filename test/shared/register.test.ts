import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Register } from '../../src/shared/register.ts'
import { growOld, oldSpace } from '../helpers/heap.ts'

test('a register holds what a map would', () => {
  const step = fc.tuple(fc.constantFrom('set', 'delete'), fc.constantFrom(1, 2, 3, '1', 'a'))
  const some = fc.oneof(fc.array(step), fc.array(step, { minLength: 100, maxLength: 300 }))
  fc.assert(
    fc.property(some, (steps) => {
      const register = new Register<number | string, { readonly at: number }>()
      const map = new Map<number | string, { readonly at: number }>()
      for (const [at, [what, key]] of steps.entries()) {
        map.delete(key)
        if (what === 'set') map.set(key, { at })
        if (what === 'set') register.set(key, { at })
        else register.delete(key)
        expect(register.get(key)).toEqual(map.get(key))
      }
      expect(register.size).toBe(map.size)
      expect([...register.values()]).toEqual([...map.values()])
    }),
  )
})

test('what came and went is kept by nothing that grew old', () => {
  const register = new Register<number, object>()
  const come = (id: number) => {
    register.set(id, Array(100).fill(id))
    register.delete(id - 1)
    if (id % 1000 === 0) growOld()
  }
  for (let id = 0; id < 5_000; id++) come(id)
  const before = oldSpace()
  for (let id = 5_000; id < 25_000; id++) come(id)
  expect((oldSpace() - before) / 20_000).toBeLessThan(25)
})
