import { expect, test } from 'vitest'
import { Refresher } from '../../../src/proxy/upstream/refresher.ts'
import { createLog } from '../../../src/shared/log.ts'
import { waitFor } from '../../helpers/wait.ts'

const REFETCH = 8
const log = createLog({ level: 'error', write: () => {} })

test('what cannot be fetched is asked for less and less often, until it is there', async () => {
  const asked: number[] = []
  const fetch = async (): Promise<void> => {
    asked.push(performance.now())
    if (asked.length < 5) throw new Error('not now')
    refresher.expires(undefined)
  }
  using refresher = new Refresher({ fetch, timing: { debounce: 1, refetch: REFETCH }, log })
  refresher.stale()
  await waitFor(() => asked.length === 5)
  // A timer may be late, but not early: by a millisecond at most.
  const pauses = asked.slice(1).map((at, index) => at - (asked[index] ?? 0))
  for (const [index, pause] of pauses.entries()) expect(pause).toBeGreaterThanOrEqual(REFETCH * 2 ** index - 1)
  refresher.stale()
  await waitFor(() => asked.length === 6)
})
