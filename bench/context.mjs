import { watchForeign } from './foreign.mjs'
import { root } from './mcpctl.mjs'

/** Above this share of the CPU for others a figure is measured once more, and marked if that is no better. */
export const FOREIGN_LIMIT = 0.1

/** So often in one measure at most: where it is never quiet, measuring twice only takes twice as long. */
const REPETITIONS = 20

/**
 * What a measure works with:
 *
 * - `root`: the folder with package.json; `rounds`, `quick`, as asked for; `peers`: see peers.mjs, none unless asked for.
 * - `say(text)` tells a person how far it is.
 * - `own(resource)` takes what has `stop()`, or a promise of it, and stops it when the measure is over.
 * - `quietly(run)` resolves with `{ value, foreign }`: what `run` gave, and the share of the machine's CPU that others took
 *   meanwhile. When that is much, it runs once more and the quieter one counts.
 */
export function createContext({ rounds, quick, peers, say }) {
  const owned = []
  let isOver = false
  let repetitions = quick ? 0 : REPETITIONS
  const stop = async () => {
    const stopped = await Promise.allSettled(
      owned
        .splice(0)
        .reverse()
        .map((resource) => resource.stop()),
    )
    const reasons = stopped.filter(({ status }) => status === 'rejected').map(({ reason }) => reason)
    if (reasons.length > 0) throw new AggregateError(reasons, reasons.map(({ message }) => message).join('; '))
  }
  return {
    root,
    rounds,
    quick,
    peers,
    say,
    async own(resource) {
      const started = await resource
      owned.push(started)
      if (!isOver) return started
      await stop()
      throw new Error('the measure is over')
    },
    async quietly(run) {
      const first = await watch(run)
      if (first.foreign <= FOREIGN_LIMIT || repetitions-- <= 0) return first
      const second = await watch(run)
      return second.foreign < first.foreign ? second : first
    },
    async stop() {
      isOver = true
      await stop()
    },
  }
}

async function watch(run) {
  const end = watchForeign()
  const value = await run()
  return { value, foreign: end() }
}
