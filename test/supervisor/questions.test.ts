import { expect, test } from 'vitest'
import type { FromProxy } from '../../src/proxy/protocol.ts'
import { defer } from '../../src/shared/async.ts'
import { Questions } from '../../src/supervisor/questions.ts'
import { collectAll } from '../helpers/heap.ts'

const commit = (generation: number) => ({ type: 'commit', generation }) as const

test('keeps nothing of what was answered, however long the proxy lives', async () => {
  const ended = defer<void>()
  const questions = new Questions({ send: () => {}, ended: ended.promise })
  const answers: WeakRef<FromProxy>[] = []
  for (let generation = 0; generation < 10; generation++) {
    const asked = questions.ask(commit(generation), { fits: ({ type }) => type === 'configured' })
    const answer: FromProxy = { type: 'configured', generation }
    answers.push(new WeakRef(answer))
    expect(questions.hear(answer)).toBe(true)
    expect(await asked).toEqual({ type: 'configured', generation })
  }
  await new Promise(setImmediate)
  collectAll()
  // The last one may still lie on the stack.
  expect(answers.slice(0, -1).filter((answer) => answer.deref() !== undefined)).toEqual([])
  ended.resolve()
})

test('whoever waits for an answer or an arrival waits no longer once the proxy has ended, nor does who comes later', async () => {
  const ended = defer<void>()
  const questions = new Questions({ send: () => {}, ended: ended.promise })
  const waiting = [questions.ask(commit(1), { fits: () => true }), questions.tell(commit(2))]
  ended.resolve()
  expect(await Promise.all(waiting)).toEqual([undefined, undefined])
  expect(await questions.ask(commit(3), { fits: () => true })).toBeUndefined()
  await questions.tell(commit(4))
})
