import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cells, titleOf } from './cells.ts'
import { Comparison } from './comparison.ts'
import type { Exchange } from './exchange.ts'
import { type Ground, prepareGround, ways } from './ground.ts'

let ground: Ground

beforeAll(async () => {
  ground = await prepareGround([...new Set(cells.map(({ server }) => server))])
})

afterAll(() => ground[Symbol.asyncDispose]())

const MIB = 1024 * 1024
const alone: Exchange = {
  id: '12345678901234567890123',
  method: 'tools/call',
  params: { name: 'plain', _meta: { progressToken: 0 } },
  place: 'params',
  rounds: [],
  answer: { result: { 'x-unknown': 1 } },
}
const said = {
  notifications: [{ method: 'notifications/progress', params: { progress: 1, 'x-unknown': '\u2028' } }],
  questions: [],
  extra: {},
}

describe.each(cells.map((cell) => ({ title: titleOf(cell), cell })))('$title', ({ cell }) => {
  test.each(ways)('12 MB pass whole over $transport on the $address address', async (way) => {
    const path = await ground.path(cell, way)
    const comparison = await Comparison.of(path, ground.wire)
    // Text and, a third longer than its bytes, a picture.
    const exchange = { ...alone, pad: 5 * MIB }
    expect(await comparison.differences([exchange])).toEqual([])
    expect(await comparison.differences([{ ...exchange, rounds: [said] }])).toEqual([])
  })

  test.each(ways)('3 MB of arguments arrive over $transport on the $address address', async (way) => {
    const path = await ground.path(cell, way)
    const comparison = await Comparison.of(path, ground.wire)
    const params = { ...alone.params, arguments: { long: '\u0000ü"'.repeat(MIB / 4) } }
    expect(await comparison.differences([{ ...alone, params }])).toEqual([])
  })
})
