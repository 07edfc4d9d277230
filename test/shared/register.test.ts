import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Register } from '../../src/shared/register.ts'

test('a register holds what a map would', () => {
  const step = fc.tuple(fc.constantFrom('set', 'delete'), fc.constantFrom(1, 2, 3, '1', 'a'))
  fc.assert(
    fc.property(fc.array(step), (steps) => {
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
