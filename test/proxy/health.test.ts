import { expect, test } from 'vitest'
import { proxyState } from '../../src/proxy/health.ts'
import type { ProxyState, ServerState } from '../../src/shared/status.ts'

/** `state`, `!` for required, `.` for settled. */
function servers(text: string) {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => ({
      state: word.replace(/[!.]/g, '') as ServerState,
      required: word.includes('!'),
      isSettled: word.includes('.'),
    }))
}

test.each<[string, ProxyState, ProxyState]>([
  ['', 'starting', 'ready'],
  ['disabled', 'starting', 'ready'],
  ['ready. ready.', 'starting', 'ready'],
  ['ready. connecting', 'starting', 'starting'],
  ['ready. connecting.', 'starting', 'degraded'],
  ['ready. backoff.', 'starting', 'degraded'],
  ['ready.! backoff.', 'starting', 'degraded'],
  ['ready. backoff.!', 'starting', 'starting'],
  ['ready. backoff.!', 'ready', 'degraded'],
  ['ready. connecting', 'ready', 'degraded'],
  ['ready. connecting', 'degraded', 'degraded'],
  ['ready. authRequired. failed. disabled', 'degraded', 'degraded'],
  ['ready.', 'degraded', 'ready'],
  ['ready.', 'draining', 'draining'],
])('servers %s make a group that was %s', (text, before, after) => {
  expect(proxyState(servers(text), before)).toBe(after)
})
