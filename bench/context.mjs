import { watchForeign } from './foreign.mjs'
import { root } from './mcpctl.mjs'

/** Above this share of the CPU for others a figure is measured once more, and marked if that is no better. */
export const FOREIGN_LIMIT = 0.1

/**
 * What a measure works with:
 *
 * - `root`: the folder with package.json; `rounds`, `quick`, as asked for; `peers`: see peers.mjs, none unless asked for.
 * - `say(text)` tells a person how far it is.
 * - `own(resource)` takes what has `stop()`, or a promise of it, and stops it when the measure is over, the last one first.
 * - `quietly(run)` resolves with `{ value, foreign }`: what `run` gave, and the share of the machine's CPU that others took
 *   meanwhile. When that is much, it runs once more and the quieter one counts.
 */
export function createContext({ rounds, quick, peers, say }) {
  const owned = []
  return {
    root,
    rounds,
    quick,
    peers,
    say,
    async own(resource) {
      const started = await resource
      owned.push(started)
      return started
    },
    async quietly(run) {
      const first = await watch(run)
      if (quick || first.foreign <= FOREIGN_LIMIT) return first
      const second = await watch(run)
      return second.foreign < first.foreign ? second : first
    },
    async stop() {
      const errors = []
      for (const resource of owned.splice(0).reverse())
        await resource.stop().catch((error) => {
          errors.push(error)
        })
      if (errors.length > 0) throw new AggregateError(errors, errors.map(({ message }) => message).join('; '))
    },
  }
}

async function watch(run) {
  const end = watchForeign()
  const value = await run()
  return { value, foreign: end() }
}
