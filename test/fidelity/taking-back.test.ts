import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { waitFor } from '../helpers/wait.ts'
import { cells, titleOf } from './cells.ts'
import { connect } from './client.ts'
import type { Exchange } from './exchange.ts'
import { type Ground, prepareGround, ways } from './ground.ts'
import type { Json } from './mirror.ts'

// Servers of its own: one that has asked somebody is not shared at once by two who wait.
let ground: Ground

beforeAll(async () => {
  ground = await prepareGround([...new Set(cells.map(({ server }) => server))])
})

afterAll(() => ground[Symbol.asyncDispose]())

describe.each(cells.map((cell) => ({ title: titleOf(cell), cell })))('$title', ({ cell }) => {
  test.each(ways)(
    'taking back a call ends nobody else’s with that id over $transport on the $address address',
    async (way) => {
      const path = await ground.path(cell, way)
      const open = () => connect(cell.client, ground.wire, path.url)
      const [one, other] = await Promise.all([open(), open()])
      const [first, second] = [randomUUID(), randomUUID()]
      const hanging = hangingCall(path.shown('plain'))
      const done = [one.run(hanging, first), other.run(hanging, second)]
      const entries = new Map<string, Json[]>([first, second].map((key) => [key, []]))
      const received = async (key: string) => {
        const [more = []] = await path.behind.received([key])
        entries.get(key)?.push(...more)
        return entries.get(key) ?? []
      }
      await waitFor(async () => (await received(first)).length > 0 && (await received(second)).length > 0)
      await one.cancel(hanging.id, 'enough')
      await waitFor(async () => (await received(first)).length > 1)
      expect((await received(first))[1]).toHaveProperty('cancelled')
      expect(await received(second)).toHaveLength(1)
      await other.cancel(hanging.id, 'enough')
      await waitFor(async () => (await received(second)).length > 1)
      await Promise.all(done)
    },
  )
})

function hangingCall(name: string): Exchange {
  const params = { name, _meta: { progressToken: 7 } }
  return { id: 7, method: 'tools/call', params, place: 'params', rounds: [], answer: { result: {} }, hang: true }
}
