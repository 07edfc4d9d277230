import { median } from './stats.mjs'

/** Long enough for V8 to have compiled what a proxy runs on each call, also the slow ones. */
const WARM_CALLS = 8000
const WARM_MS = 4000

/** Puts load on each contender until it runs as fast as it will. */
export async function warmUp(contenders, { load, quick, ...options }) {
  const ms = quick ? 300 : WARM_MS
  for (const { url, tool, era = 'legacy', transport } of contenders)
    await load.run({ ...options, url, tool, era, transport, connections: 8, calls: WARM_CALLS, ms })
}

/**
 * Puts the same load on contenders in turns, every round in another order, and resolves with `{ samples, foreign }`: by name one
 * `{ rate, p50, p90, p99, cpu }` for each round, `cpu` in microseconds of the contender's own process for each call.
 */
export async function interleave(contenders, { load, rounds, quietly, ...options }) {
  const samples = Object.fromEntries(contenders.map(({ name }) => [name, []]))
  let foreign = 0
  for (let round = 0; round < rounds; round++)
    for (const contender of turned(contenders, round)) {
      const taken = await quietly(() => sample(contender, { load, ...options }))
      samples[contender.name].push(taken.value)
      foreign = Math.max(foreign, taken.foreign)
    }
  return { samples, foreign }
}

async function sample({ url, tool, era = 'legacy', transport, cpu }, { load, ...options }) {
  const before = cpu()
  const { calls, rate, p50, p90, p99 } = await load.run({ ...options, url, tool, era, transport })
  return { rate, p50, p90, p99, cpu: (cpu() - before) / calls }
}

const turned = (list, by) => [...list.slice(by % list.length), ...list.slice(0, by % list.length)]

/** The median over the rounds of what `of` makes of each round's samples, by contender's name. */
export function medianOf(samples, of) {
  const rounds = Object.values(samples)[0].length
  return median(Array.from({ length: rounds }, (_, round) => of(at(samples, round))))
}

const at = (samples, round) => Object.fromEntries(Object.entries(samples).map(([name, list]) => [name, list[round]]))

/** The median of each figure of each contender. */
export function mediansOf(samples) {
  return Object.fromEntries(
    Object.entries(samples).map(([name, list]) => [
      name,
      Object.fromEntries(Object.keys(list[0]).map((figure) => [figure, median(list.map((one) => one[figure]))])),
    ]),
  )
}
