import { expect, test } from 'vitest'
import { startFixture } from '../../helpers/fixture.ts'
import { http, observeReady, serverOf, textOf, toolCall } from './harness.ts'

test.each(['json', 'sse'])('connects to a server that answers as %s and calls a tool', async (ANSWER) => {
  await using server = await startFixture('http', [], { ANSWER })
  await using fixture = await observeReady(serverOf(http(server.address)))
  expect(textOf(await fixture.upstream.call(toolCall('echo', { text: 'hi' })))).toBe('hi')
})
