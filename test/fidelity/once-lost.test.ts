import { expect, test } from 'vitest'
import { type Cell, cells, titleOf } from './cells.ts'
import { Comparison, type Difference } from './comparison.ts'
import type { Exchange } from './exchange.ts'
import { prepareGround } from './ground.ts'

const plain: Exchange = {
  id: 1,
  method: 'tools/call',
  params: { name: 'plain' },
  place: 'params',
  rounds: [],
  answer: { result: { content: [] } },
}

async function differencesOf(cell: Cell, exchange: Exchange): Promise<readonly Difference[]> {
  await using ground = await prepareGround([cell.server])
  const path = await ground.path(cell, { transport: 'http', address: 'own' })
  const comparison = await Comparison.of(path, ground.wire)
  return await comparison.differences([exchange])
}

test('that all is done on a page nobody is known to have been sent to stays with its call', async () => {
  const done = { method: 'notifications/elicitation/complete', params: { elicitationId: 'unheard' } }
  const rounds = [{ notifications: [done], questions: [], extra: {} }]
  expect(await differencesOf({ client: 'legacy', server: 'legacy' }, { ...plain, rounds })).toEqual([])
})

test.each(cells.map((cell) => ({ title: titleOf(cell), cell })))(
  'a parameter without a name is a parameter: $title',
  async ({ cell }) => {
    const params = { '': 'x' }
    const exchange = { ...plain, method: 'vendor/unheard', params, answer: { result: {} } }
    expect(await differencesOf(cell, exchange)).toEqual([])
  },
)
