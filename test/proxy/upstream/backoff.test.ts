import { expect, test } from 'vitest'
import { type RestOptions, rest } from '../../../src/proxy/upstream/backoff.ts'
import { type FailureKind, LinkFailure } from '../../../src/proxy/upstream/failure.ts'
import { reopenDelay } from '../../../src/proxy/upstream/side-stream.ts'

type Facts = Partial<Omit<RestOptions, 'failure'>> & { readonly kind?: FailureKind; readonly retryAfterMs?: number }

function after({ kind = 'unreachable', retryAfterMs, ...facts }: Facts): string {
  const failure = new LinkFailure(kind, 'x', retryAfterMs === undefined ? {} : { retryAfterMs })
  const restart = { policy: 'always', backoff: 500, maxBackoff: 60_000 } as const
  const defaults = { failures: 0, wasReady: false, isProcess: false, restart, hopeless: 300_000, random: () => 1 }
  const { state, ms } = rest({ ...defaults, ...facts, failure })
  return `${state} ${ms}`
}

const never = { policy: 'never', backoff: 500, maxBackoff: 60_000 } as const

test.each<[string, Facts, string]>([
  ['the first failure', {}, 'backoff 500'],
  ['the fourth', { failures: 3 }, 'backoff 4000'],
  ['the hundredth', { failures: 99 }, 'backoff 60000'],
  ['unlucky dice', { random: () => 0 }, 'backoff 100'],
  ['a process that was ready', { isProcess: true, wasReady: true, kind: 'ended' }, 'connecting 0'],
  ['a process that fails again soon', { isProcess: true, wasReady: true, kind: 'ended', failures: 1 }, 'backoff 1000'],
  ['a process that was never ready', { isProcess: true, kind: 'ended' }, 'backoff 500'],
  ['a lost session', { kind: 'session', wasReady: true }, 'connecting 0'],
  ['a session lost again soon', { kind: 'session', wasReady: true, failures: 1 }, 'backoff 1000'],
  ['a lost session that may not restart', { kind: 'session', wasReady: true, restart: never }, 'connecting 0'],
  ['any failure without restarts', { kind: 'ended', wasReady: true, restart: never }, 'failed never'],
  ['a missing program', { kind: 'hopeless', random: () => 0.5 }, 'failed 300000'],
  ['refused credentials', { kind: 'unauthorized', random: () => 0.5 }, 'authRequired 300000'],
  ['a server that asks for a pause', { kind: 'busy', retryAfterMs: 3000 }, 'backoff 3000'],
])('after %s', (_title, facts, expected) => {
  expect(after(facts)).toBe(expected)
})

test.each([
  ['no wish', undefined, 0, 1000],
  ['zero', 0, 0, 1000],
  ['a wish', 3000, 0, 3000],
  ['an absurd wish', 9e15, 0, 300_000],
  ['many failures', undefined, 20, 60_000],
  ['a wish above the backoff', 10_000, 1, 10_000],
])('U-30 reopens the side stream after %s', (_title, retry, failures, expected) => {
  expect(reopenDelay(retry, failures, () => 0.5)).toBe(expected)
})
