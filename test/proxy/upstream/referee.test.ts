import { expect, test } from 'vitest'
import { startFixture } from '../../helpers/fixture.ts'
import { waitFor } from '../../helpers/wait.ts'
import { http, modern, modernCall, type Observed, observeReady, saidBy, serverOf, stdio } from './harness.ts'

interface Refereed extends AsyncDisposable {
  readonly fixture: Observed
}

/** An upstream in front of the official server, which is strict about heads and envelopes. */
async function refereed(kind: string): Promise<Refereed> {
  if (kind === 'stdio') {
    const fixture = await observeReady(serverOf(stdio('referee', { LEGACY: 'reject' })))
    return { fixture, [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose]() }
  }
  const server = await startFixture('referee', ['0'])
  const fixture = await observeReady(serverOf(http(server.address)))
  return {
    fixture,
    async [Symbol.asyncDispose]() {
      await fixture[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

const kinds = ['http', 'stdio']

test.each(kinds)('the official server is content with heads and envelopes over %s', async (kind) => {
  await using at = await refereed(kind)
  const { upstream } = at.fixture
  expect(upstream.listing).toMatchObject({ era: 'modern', serverInfo: { name: 'referee' } })
  expect(saidBy(await upstream.call(modernCall('routed', { region: ' ü ' })))).toBe(' ü ')
  const call = modernCall('progress', {}, { progressToken: 'mine' })
  expect(saidBy(await upstream.call(call))).toBe('done')
  expect(call.notifications.map(({ params }) => params)).toEqual([{ progressToken: 'mine', progress: 1 }])
  expect(await upstream.call(modern('no/such'))).toMatchObject({ error: { code: -32601 } })
})

test.each(kinds)('the official server gets the answers to its questions over %s', async (kind) => {
  await using at = await refereed(kind)
  const { upstream } = at.fixture
  const asked = await upstream.call(modernCall('rounds'))
  expect(asked).toMatchObject({ result: { resultType: 'input_required', inputRequests: { who: {} } } })
  const inputResponses = { who: { action: 'accept', content: { name: 'me' } } }
  const answer = await upstream.call(modern('tools/call', { name: 'rounds', arguments: {}, inputResponses }))
  expect(saidBy(answer)).toEqual(inputResponses)
})

test.each(kinds)('the official server is heard when its lists change, over %s', async (kind) => {
  await using at = await refereed(kind)
  const { upstream } = at.fixture
  // The lists are compared once when the stream has opened; what comes later was heard on it.
  const first = upstream.confirmedAt ?? 0
  await waitFor(() => (upstream.confirmedAt ?? 0) > first)
  const second = upstream.confirmedAt ?? 0
  await upstream.call(modernCall('change'))
  await waitFor(() => (upstream.confirmedAt ?? 0) > second)
})

test.each(kinds)('the official server takes subscriptions over %s', async (kind) => {
  await using at = await refereed(kind)
  expect(await at.fixture.upstream.subscribe('test://one')).toMatchObject({ result: {} })
})
