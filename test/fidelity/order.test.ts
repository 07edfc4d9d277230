import { expect, test } from 'vitest'
import { Comparison } from './comparison.ts'
import { prepareGround } from './ground.ts'

test('a client’s progress on a question reaches a slow server before the reply, in order', async () => {
  await using ground = await prepareGround(['legacy'], { SLUGGISH: '30' })
  const path = await ground.path({ client: 'legacy', server: 'legacy' }, { transport: 'http', address: 'own' })
  const comparison = await Comparison.of(path, ground.wire)
  const question = {
    method: 'sampling/createMessage',
    params: { messages: [], maxTokens: 1, _meta: { progressToken: 'chosen by the server' } },
    reply: { result: { role: 'assistant', content: [], model: 'none' } },
    progress: [{ progress: 1 }, { progress: 2 }, { progress: 3 }],
  }
  const differences = await comparison.differences([
    {
      id: 1,
      method: 'tools/call',
      params: { name: 'plain' },
      place: 'params',
      rounds: [{ notifications: [], questions: [question], extra: {} }],
      answer: { result: { content: [] } },
    },
  ])
  expect(differences).toEqual([])
})
