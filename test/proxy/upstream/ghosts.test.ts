import { expect, test } from 'vitest'
import { itself } from '../../../src/proxy/upstream/connection.ts'
import { Ghosts, HAUNTING_MS } from '../../../src/proxy/upstream/ghosts.ts'
import { PendingCall } from '../../../src/proxy/upstream/pending.ts'
import { defer } from '../../../src/shared/async.ts'
import { exchange } from './harness.ts'

const timeouts = { request: 'off', max: 'off' } as const

function callOf(id: number, session?: string): PendingCall {
  const caller = { ...itself('legacy'), ...(session === undefined ? {} : { session }) }
  return new PendingCall({ id, exchange: { ...exchange('tools/call', {}), caller }, timeouts })
}

const answered = () => Promise.resolve()
const silent = () => Promise.reject(new Error('no answer'))

test.each([
  ['of its own session', 'a', 'a', false],
  ['of another session', 'a', 'b', true],
  ['where both are without one', undefined, undefined, true],
  ['of a session, where it has none', 'a', undefined, true],
])('U-39: beside a call given up %s a question is asked only if it is the same client’s', (_of, ghost, mine, is) => {
  const ghosts = new Ghosts()
  ghosts.add(callOf(1, ghost))
  expect(ghosts.haunt([callOf(2, mine)])).toBe(is)
})

test('U-39: one that was given up counts until the server has read so, or for a minute', async () => {
  let now = 0
  const ghosts = new Ghosts(() => now)
  const other = [callOf(3, 'b')]
  ghosts.add(callOf(1, 'a'))
  await ghosts.told(1, silent)
  expect(ghosts.haunt(other)).toBe(true)
  now = HAUNTING_MS + 1
  expect(ghosts.haunt(other)).toBe(false)
  ghosts.add(callOf(2, 'a'))
  expect(ghosts.haunt(other)).toBe(true)
  await ghosts.told(2, answered)
  expect(ghosts.haunt(other)).toBe(false)
})

test.each([
  ['answered', (ghosts: Ghosts) => ghosts.answered(1)],
  ['asked, with nothing in flight', (ghosts: Ghosts) => ghosts.stirred()],
])('U-39: a server that %s what it knew to be cancelled is not believed again', async (_what, act) => {
  const ghosts = new Ghosts()
  ghosts.add(callOf(1, 'a'))
  await ghosts.told(1, answered)
  act(ghosts)
  ghosts.add(callOf(2, 'a'))
  await ghosts.told(2, answered)
  expect(ghosts.haunt([callOf(3, 'b')])).toBe(true)
  for (const id of [1, 2]) ghosts.answered(id)
  expect(ghosts.haunt([callOf(3, 'b')])).toBe(false)
})

test('an answer that was on its way when the call was cancelled speaks against nobody', async () => {
  const ghosts = new Ghosts()
  ghosts.add(callOf(1, 'a'))
  ghosts.answered(1)
  ghosts.add(callOf(2, 'a'))
  await ghosts.told(2, answered)
  expect(ghosts.haunt([callOf(3, 'b')])).toBe(false)
})

test('however many calls are cancelled, the server is asked once at a time, and each is asked for', async () => {
  const ghosts = new Ghosts()
  const asked: (() => void)[] = []
  const ask = () => {
    const answer = defer<void>()
    asked.push(answer.resolve)
    return answer.promise
  }
  for (let id = 1; id <= 50; id++) ghosts.add(callOf(id, 'a'))
  const first = ghosts.told(1, ask)
  for (let id = 2; id <= 50; id++) void ghosts.told(id, ask)
  expect(asked).toHaveLength(1)
  asked[0]?.()
  await expect.poll(() => asked.length).toBe(2)
  expect(ghosts.haunt([callOf(99, 'b')])).toBe(true)
  asked[1]?.()
  await first
  expect([asked.length, ghosts.haunt([callOf(99, 'b')])]).toEqual([2, false])
})
