import { once } from 'node:events'
import { expect, test } from 'vitest'
import { LineFramer } from '../../../src/proxy/upstream/framer.ts'
import { timing } from '../../../src/proxy/upstream/timing.ts'
import { chaosCommand, chaosServer } from '../../helpers/chaos.ts'
import { gremlin } from '../../helpers/gremlin.ts'
import { tempFolder } from '../../helpers/temp.ts'
import { waitFor } from '../../helpers/wait.ts'
import { http, observeReady, serverOf, stdio, textOf, toolCall } from './harness.ts'
import { tinyServer } from './tiny.ts'

test('U-02: a server that ignores the probe is initialised soon, and not probed again by the next start', async () => {
  expect(timing.probe).toBeLessThanOrEqual(2500)
  await using folder = await tempFolder()
  await using server = await chaosServer('http', { on: [{ on: 'server/discover', never: true }] })
  const start = { owner: folder.path, timing: { probe: 100 } }
  const own = serverOf(http(server.url), { cache: { mode: 'swr', persist: true } })
  for (let nth = 0; nth < 2; nth++) {
    await using fixture = await observeReady(own, start)
    expect(fixture.upstream.listing?.protocolVersion).toBe('2025-11-25')
  }
  const { methods } = await server.stats()
  expect(methods).toMatchObject({ 'server/discover': 1, initialize: 2 })
})

test('U-04: a body that comes byte by byte ends with the deadline of its call, and its socket with it', async () => {
  let isGone = false
  await using server = await tinyServer(({ method, res }) => {
    if (method !== 'tools/call') return false
    res.writeHead(200, { 'content-type': 'application/json' })
    const drip = setInterval(() => res.write(' '), 20)
    void once(res, 'close').then(() => {
      clearInterval(drip)
      isGone = true
    })
    return true
  })
  const timeouts = { request: 'off', max: 300 } as const
  await using fixture = await observeReady(serverOf(http(server.url), { timeouts }))
  await expect(fixture.upstream.call(toolCall('go'))).rejects.toMatchObject({ code: -31002 })
  await waitFor(() => isGone)
})

test('U-05: stdout without a line end keeps no call longer than its deadline', async () => {
  const drip = { on: 'tools/call:echo', flood: { text: 'x', rate: 1000 }, never: true } as const
  const transport = { ...stdio('echo'), ...chaosCommand({ on: [drip] }) }
  await using fixture = await observeReady(serverOf(transport, { timeouts: { request: 300 } }))
  await expect(fixture.upstream.call(toolCall('echo'))).rejects.toMatchObject({ code: -31002 })
})

test('U-05: of a line that never ends only its two ends are kept', () => {
  let ends: { readonly head: string; readonly tail: string } | undefined
  const framer = new LineFramer(1024 * 1024, { line: () => {}, oversized: (seen) => (ends = seen) })
  const before = process.memoryUsage().arrayBuffers
  for (let mebibytes = 0; mebibytes < 256; mebibytes++) framer.push(Buffer.alloc(1024 * 1024, 'x'))
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 * 1024 * 1024)
  framer.push(Buffer.from('y\n'))
  expect([ends?.head.length, ends?.tail.at(-1)]).toEqual([1024, 'y'])
})

test('U-29: over a half-open connection a call ends at its deadline, and an idle one is found out by a ping', async () => {
  await using server = await chaosServer('http')
  await using way = await gremlin(server.url)
  const heartbeat = { every: 300, timeout: 200, misses: 3 }
  const own = serverOf(http(way.url), { timeouts: { request: 200, connect: 400 } })
  await using fixture = await observeReady(own, { timing: { heartbeat } })
  await fixture.upstream.call(toolCall('echo'))
  way.trouble = 'swallow'
  await expect(fixture.upstream.call(toolCall('echo'))).rejects.toMatchObject({ code: -31002 })
  await waitFor(() => fixture.logs.some(({ reason }) => String(reason).includes('does not answer a ping')))
  way.trouble = 'none'
  way.reset()
  await waitFor(() => fixture.upstream.state === 'ready')
  expect(textOf(await fixture.upstream.call(toolCall('echo', { text: 'hi' })))).toBe('hi')
})

test('U-29: by default an idle connection is known to be half-open within 90 s', () => {
  const { every, timeout, misses } = timing.heartbeat
  expect(every * 1.1 + timeout * misses).toBeLessThanOrEqual(90_000)
})
