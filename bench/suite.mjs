import { createContext } from './context.mjs'
import { watchForeign } from './foreign.mjs'

/**
 * Runs measures one after the other and resolves with `{ name, title, ms, foreign, rows, error }` of each. One that fails
 * has no rows but its `error`, and the next one has its turn. What `signal` aborts is stopped in order, too.
 */
export async function runMeasures(measures, { signal, ...asked }) {
  const results = []
  const interrupted = aborted(signal)
  for (const measure of measures) {
    if (signal.aborted) break
    asked.say(`${measure.name}: ${measure.title}`)
    results.push({
      name: measure.name,
      title: measure.title,
      ...(await runMeasure(measure, { interrupted, ...asked })),
    })
  }
  return results
}

async function runMeasure({ name, run }, { interrupted, say, ...asked }) {
  const context = createContext({ ...asked, say: (text) => say(`${name}: ${text}`) })
  const started = performance.now()
  const endWatch = watchForeign()
  const outcome = await Promise.race([settled(run(context)), interrupted])
  // Before anything is stopped: the time of processes that ended and had no parent here would count as that of others.
  const foreign = endWatch()
  const stopped = await settled(context.stop())
  const error = outcome.error ?? stopped.error
  const rows = error ? [] : outcome.value.map((row) => ({ foreign, ...row }))
  return { ms: performance.now() - started, foreign, rows, ...(error && { error: error.message }) }
}

const settled = (promise) =>
  promise.then(
    (value) => ({ value }),
    (error) => ({ error }),
  )

function aborted(signal) {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve({ error: new Error('interrupted') }), { once: true })
  })
}
