import type { LookupFunction } from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect, test, vi } from 'vitest'
import { createPool } from '../../../src/proxy/upstream/http-client.ts'
import { timelyLookup } from '../../../src/proxy/upstream/lookup.ts'
import { waitFor } from '../../helpers/wait.ts'
import { http, observe, observeReady, serverOf, textOf, toolCall } from './harness.ts'
import { type Asked, tinyServer } from './tiny.ts'

/** Answers calls as `say` does, all else as it should be. */
function onCall(say: (asked: Asked) => void): (asked: Asked) => boolean {
  return (asked) => {
    if (asked.method !== 'tools/call') return false
    say(asked)
    return true
  }
}

const later = (seconds: number): string => new Date(Date.now() + seconds * 1000).toUTCString()

test.each<[string, () => string, number, number]>([
  ['3', () => '3', 2000, 3000],
  ['a date', () => later(5), 3000, 5000],
  ['-5', () => '-5', 1, 1000],
  ['1e12', () => '1e12', 500_000, 600_000],
])(
  'U-24: "Retry-After: %s" is kept for all that would be sent: zero requests before',
  async (_what, value, min, max) => {
    await using server = await tinyServer(onCall(({ res }) => res.writeHead(429, { 'retry-after': value() }).end()))
    const heartbeat = { every: 20, timeout: 1000, misses: 3 }
    await using fixture = await observeReady(
      serverOf(http(server.url), { cache: { mode: 'strict', persist: false } }),
      {
        timing: { heartbeat },
      },
    )
    const { upstream } = fixture
    const refusal = await upstream.call(toolCall('go')).catch((error: unknown) => error)
    const { length } = server.asked
    expect(refusal).toMatchObject({ code: -31001, facts: { retryable: true, retryAfterMs: expect.any(Number) } })
    const refusals = await Promise.allSettled(Array.from({ length: 20 }, () => upstream.call(toolCall('go'))))
    for (const one of refusals) expect(one).toMatchObject({ reason: { code: -31001 } })
    const [first] = refusals
    const ms = first?.status === 'rejected' ? first.reason.facts.retryAfterMs : undefined
    expect(ms).toBeGreaterThanOrEqual(min)
    expect(ms).toBeLessThanOrEqual(max)
    // Neither a look at the lists, nor a ping, nor another session.
    await upstream.look(performance.now())
    if (min > 1) expect(server.asked).toHaveLength(length)
  },
)

test('U-24: a pause that is none is no pause', async () => {
  let isOver = false
  await using server = await tinyServer((asked) => {
    if (isOver || asked.method !== 'tools/call') return false
    isOver = true
    asked.res.writeHead(503, { 'retry-after': 'x' }).end()
    return true
  })
  await using fixture = await observeReady(serverOf(http(server.url)))
  await expect(fixture.upstream.call(toolCall('go'))).rejects.toMatchObject({ code: -31001 })
  expect(textOf(await fixture.upstream.call(toolCall('go')))).toBe('ok')
})

test('U-24: after the pause the server is asked again', async () => {
  let isOver = false
  await using server = await tinyServer(
    (asked) => !isOver && onCall(({ res }) => res.writeHead(429, { 'retry-after': '0' }).end())(asked),
  )
  await using fixture = await observeReady(serverOf(http(server.url)))
  await expect(fixture.upstream.call(toolCall('go'))).rejects.toMatchObject({ facts: { retryAfterMs: 1000 } })
  isOver = true
  await waitFor(async () => textOf(await fixture.upstream.call(toolCall('go'))) === 'ok')
})

test.each([301, 302, 303, 307, 308])('U-25: a redirect to another origin by %i is not followed', async (status) => {
  await using elsewhere = await tinyServer(() => false)
  await using server = await tinyServer(onCall(({ res }) => res.writeHead(status, { location: elsewhere.url }).end()))
  const headers = { authorization: 'Bearer secret' }
  await using fixture = await observeReady(serverOf(http(server.url, { headers })))
  await expect(fixture.upstream.call(toolCall('go'))).rejects.toThrow(`redirected with HTTP ${status}`)
  expect(elsewhere.connections).toBe(0)
})

test('U-25: a server that redirects to itself for ever is asked once, and fails with a hint', async () => {
  await using server = await tinyServer(({ req, res }) => {
    res.writeHead(307, { location: req.url }).end()
    return true
  })
  await using fixture = observe(serverOf(http(server.url)))
  await fixture.upstream.settled()
  expect(fixture.states).toEqual(['connecting', 'failed'])
  expect(fixture.upstream.lastError).toBe(
    'redirected with HTTP 307 (redirects are not followed: set "url" to where it moved)',
  )
  expect(server.asked).toHaveLength(1)
})

test('U-25: what comes compressed although nobody asked for that is never inflated', async () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, ' '))
  let accepts: unknown
  await using server = await tinyServer(
    onCall(({ req, res }) => {
      accepts = req.headers['accept-encoding']
      res.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(bomb)
    }),
  )
  await using fixture = await observeReady(serverOf(http(server.url)))
  const before = process.memoryUsage().arrayBuffers
  await expect(fixture.upstream.call(toolCall('go'))).rejects.toThrow('the answer is not JSON')
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024)
  expect(accepts).toBeUndefined()
})

function failing(code: string): LookupFunction {
  return (host, _options, callback) => callback(Object.assign(new Error(host), { code }), [])
}

test.each([
  ['NXDOMAIN', failing('ENOTFOUND'), 'the host name is not known'],
  ['SERVFAIL', failing('EAI_AGAIN'), 'the host name could not be looked up'],
  ['no answer at all', timelyLookup(() => {}, 50), 'the host name was not looked up in time'],
])('U-28: a lookup that ends with %s lets the server rest, and says so', async (_what, lookup, reason) => {
  const server = serverOf(http('http://elsewhere.test/mcp'), { restart: { backoff: 60_000, maxBackoff: 60_000 } })
  await using fixture = observe(server, { lookup })
  await fixture.upstream.settled()
  expect(fixture.states).toEqual(['connecting', 'backoff'])
  expect(fixture.upstream.lastError).toBe(reason)
})

test('U-28: a lookup that hangs is given up after 5 s, whatever comes of it later', async () => {
  vi.useFakeTimers()
  try {
    let answer: (() => void) | undefined
    const outcomes: unknown[] = []
    const lookup = timelyLookup((_host, _options, callback) => {
      answer = () => callback(null, '127.0.0.1', 4)
    })
    lookup('elsewhere.test', {}, (error) => outcomes.push(error?.code))
    await vi.advanceTimersByTimeAsync(4999)
    expect(outcomes).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    answer?.()
    expect(outcomes).toEqual(['ETIMEOUT'])
  } finally {
    vi.useRealTimers()
  }
})

test('U-28: a connection goes to the address that was found for it, however often the name is asked for', async () => {
  await using server = await tinyServer(() => false)
  const { port } = new URL(server.url)
  const found: string[] = []
  // Another answer each time: only the first is where the server listens.
  const lookup: LookupFunction = (_host, options, callback) => {
    const address = found.length === 0 ? '127.0.0.1' : '127.0.0.66'
    found.push(address)
    if (options.all) callback(null, [{ address, family: 4 }])
    else callback(null, address, 4)
  }
  const origin = `http://elsewhere.test:${port}`
  await using pool = createPool({ origin, idle: 60_000, connect: 1000, warm: 1, lookup })
  const ask = () =>
    pool.request({ method: 'POST', path: '/', headers: {}, body: '{}' }, () => ({ chunk() {}, end() {} }))
  await ask()
  expect([found, server.connections]).toEqual([['127.0.0.1'], 1])
  // A connection that is there is used, whatever the name means by now.
  await ask()
  expect([found.length, server.connections]).toEqual([1, 1])
})

const scope = { 'www-authenticate': 'Bearer error="insufficient_scope", scope="more"' }
test.each([
  ['401', 401, {}],
  ['403 for a scope', 403, scope],
] as const)('U-23: a handshake refused with %s is not repeated, nor are calls sent', async (_what, status, headers) => {
  await using server = await tinyServer(({ res }) => {
    res.writeHead(status, headers).end()
    return true
  })
  await using fixture = observe(serverOf(http(server.url), { protocol: 'legacy' }))
  await fixture.upstream.settled()
  expect(fixture.states).toEqual(['connecting', 'authRequired'])
  for (const name of ['one', 'two'])
    await expect(fixture.upstream.call(toolCall(name))).rejects.toMatchObject({ facts: { kind: 'auth_required' } })
  expect(server.asked).toEqual(['initialize'])
})
