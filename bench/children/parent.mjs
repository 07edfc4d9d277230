/** What the parent configured this program with. */
export const config = JSON.parse(process.argv[2] ?? '{}')

/**
 * Tells the parent that this program is ready, answers its questions by the functions of `answers`, and ends with it.
 */
export function ready(info, answers = {}) {
  process.on('message', ({ id, question, options }) => void reply(id, () => answers[question](options)))
  process.on('disconnect', () => process.exit())
  process.send({ ready: info })
}

async function reply(id, answer) {
  try {
    process.send({ id, answer: await answer() })
  } catch (error) {
    process.send({ id, error: error.message })
  }
}
