import { expect, test } from 'vitest'
import { sealerOf } from '../../../src/proxy/downstream/sealer.ts'
import { Sessions } from '../../../src/proxy/downstream/sessions.ts'
import { SseEndpoint } from '../../../src/proxy/downstream/sse.ts'
import { readEvents } from '../../helpers/events.ts'
import { groupOf } from '../../helpers/group.ts'
import { serve } from '../../helpers/serve.ts'
import { waitFor } from '../../helpers/wait.ts'

test('a stream on which no session begins is ended', async () => {
  const sealer = sealerOf(Buffer.alloc(32).toString('base64url'))
  using sessions = new Sessions({ sealer, group: 'g', most: () => 10, ended: () => {} })
  const initialize = () => Promise.resolve({})
  let endpoint: SseEndpoint | undefined
  await using server = await serve((response, pulse, request) => {
    // No message comes, so nothing is ever relayed.
    endpoint ??= new SseEndpoint({
      sessions,
      pulse,
      initialize,
      relay: null as never,
      limits: () => groupOf([]).limits,
      listening: () => {},
      wishesOf: () => ({ subscriptions: [] }),
    })
    endpoint.open({ request, response, server: undefined, principal: '' })
  })
  const stream = await readEvents(server.url)
  await waitFor(() => stream.events.length > 0)
  endpoint?.beat(performance.now() + 20_000)
  const other = await readEvents(server.url)
  await waitFor(() => other.events.length > 0)
  endpoint?.beat(performance.now() + 40_000)
  await Promise.all([stream.over, other.over])
  expect(stream.events).toHaveLength(1)
})
