import { expect, test } from 'vitest'
import { isAlive } from '../../helpers/processes.ts'
import { observe, observeReady, serverOf, stdio, textOf, toolCall } from './harness.ts'

test('connects, lists the tools with all their fields and calls one', async () => {
  await using fixture = await observeReady(serverOf(stdio('echo')))
  const { upstream } = fixture
  expect(upstream.listing?.protocolVersion).toBe('2025-11-25')
  expect(upstream.listing?.serverInfo).toEqual({ name: 'fixture', version: '1.0.0', zz: 'kept' })
  expect(upstream.listing?.tools.find(({ name }) => name === 'echo')).toMatchObject({ zz: 1 })
  expect(textOf(await upstream.call(toolCall('echo', { text: 'hällo' })))).toBe('hällo')
  expect(fixture.states).toEqual(['connecting', 'ready'])
})

test('leaves no process behind', async () => {
  const fixture = await observeReady(serverOf(stdio('stubborn')))
  const family: number[] = JSON.parse(textOf(await fixture.upstream.call(toolCall('family'))))
  expect(family.map(isAlive)).toEqual([true, true])
  await fixture.upstream.close()
  expect(family.map(isAlive)).toEqual([false, false])
})

test('reports a missing program at once, with what to do', async () => {
  const transport = { ...stdio('echo'), command: 'no-such-program-anywhere' }
  await using fixture = observe(serverOf(transport))
  await fixture.upstream.settled()
  expect(fixture.upstream.state).toBe('failed')
  expect(fixture.upstream.lastError).toBe(
    'cannot start "no-such-program-anywhere": ENOENT (install it, or write its full path in "command")',
  )
})
