import { describe, expect, test } from 'vitest'
import { pause } from '../../src/shared/async.ts'
import { Aborter, type Signal } from '../../src/shared/signal.ts'

/** What listeners of either kind see of a signal's life. */
function life(signal: Signal, abort: (reason?: unknown) => void): readonly unknown[] {
  const seen: unknown[] = [signal.aborted, signal.reason]
  const gone = (): unknown => seen.push('gone')
  signal.addEventListener('abort', () => seen.push(['first', signal.aborted, signal.reason]), { once: true })
  signal.addEventListener('abort', gone)
  signal.addEventListener('abort', { handleEvent: () => seen.push('second') })
  signal.removeEventListener('abort', gone)
  abort('why')
  abort('again')
  signal.addEventListener('abort', () => seen.push('late'))
  return [...seen, signal.aborted, signal.reason]
}

test('an aborter tells its listeners what an AbortSignal tells them', () => {
  const controller = new AbortController()
  const aborter = new Aborter()
  const expected = life(controller.signal, (reason) => controller.abort(reason))
  expect(life(aborter, (reason) => aborter.abort(reason))).toEqual(expected)
  expect(() => aborter.throwIfAborted()).toThrow('why')
})

test('without a reason it is an AbortError, as everywhere', () => {
  const aborter = new Aborter()
  aborter.abort()
  expect(aborter.reason).toMatchObject({ name: 'AbortError' })
})

describe('an aborter that follows others', () => {
  test('aborts with the first that does, for its reason', () => {
    const [one, other] = [new AbortController(), new Aborter()]
    using aborter = new Aborter().follow(one.signal, other)
    other.abort('other')
    one.abort('one')
    expect(aborter.reason).toBe('other')
  })

  test('is aborted at once when one of them is', () => {
    expect(new Aborter().follow(new Aborter(), AbortSignal.abort('before')).reason).toBe('before')
  })

  test('hears nothing more once it is let go of', () => {
    const one = new Aborter()
    const aborter = new Aborter().follow(one)
    aborter[Symbol.dispose]()
    one.abort('late')
    expect(aborter.aborted).toBe(false)
  })
})

test('a pause ends with the signal, and does not begin after it', async () => {
  const aborter = new Aborter()
  const paused = pause(600_000, aborter)
  aborter.abort()
  await paused
  await pause(600_000, aborter)
})
