import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cells, titleOf } from './cells.ts'
import { Comparison } from './comparison.ts'
import { exchanges } from './exchange.ts'
import { type Ground, prepareGround, ways } from './ground.ts'
import { patience, runs, seed } from './runs.ts'

let ground: Ground

beforeAll(async () => {
  ground = await prepareGround([...new Set(cells.map(({ server }) => server))])
})

afterAll(() => ground[Symbol.asyncDispose]())

const share = Math.ceil(runs / ways.length)

describe.each(cells.map((cell) => ({ title: titleOf(cell), cell })))('$title', ({ cell }) => {
  test.each(ways)(
    'nothing is lost, added or changed over $transport on the $address address',
    async (way) => {
      const path = await ground.path(cell, way)
      const comparison = await Comparison.of(path, ground.wire)
      const batch = fc.array(exchanges(path.terrain), { minLength: path.width, maxLength: path.width })
      const property = fc.asyncProperty(batch, async (some) => {
        expect((await comparison.differences(some)).map(({ side, at }) => `${side} ${at}`)).toEqual([])
      })
      // What never ends takes long to make smaller: then the report comes with what there is.
      const interruptAfterTimeLimit = patience(share) - 10_000
      const numRuns = Math.ceil(share / path.width)
      await fc.assert(property, { seed, numRuns, interruptAfterTimeLimit, markInterruptAsFailure: true })
    },
    patience(share),
  )
})
