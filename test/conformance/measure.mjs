// Measures cells: every suite direct and through the proxy, both ways.
import { cells } from './cells.mjs'
import { count, shortfalls } from './compare.mjs'
import { isExcused, staleExceptions } from './exceptions.mjs'
import { startFixture } from './fixture.mjs'
import { createLimit } from './limit.mjs'
import { here } from './paths.mjs'
import { startProxies, ways } from './proxy.mjs'
import { runClientSuite, runServerSuite } from './suites.mjs'

/** As many suites at once as keep a small machine busy without making it slow. */
const AT_ONCE = 2

/**
 * Resolves with `{ runs, stale }`: the runs of each cell and suite, direct first, as `{ cell, suite, via, passed, failed,
 * warned, lacking, excused }`, where `lacking` is what its yardstick has and it has not; and the exceptions nothing needed.
 */
export async function measure(tools, names) {
  const limit = createLimit(AT_ONCE)
  const chosen = names.map((name) => ({ cell: name, ...cells[name] }))
  const servers = chosen.filter(({ fixture }) => fixture)
  const clients = chosen.filter(({ revision }) => revision)
  const runs = await Promise.all([
    measureServers({ tools, limit, chosen: servers }),
    measureClients({ tools, limit, chosen: clients }),
  ])
  return { runs: runs.flat(), stale: staleExceptions(names, runs.flat()) }
}

async function measureServers({ tools, limit, chosen }) {
  if (chosen.length === 0) return []
  const eras = [...new Set(chosen.flatMap(({ fixture, yardstick = fixture }) => [fixture, yardstick]))]
  const fixtures = await mapValues(eras, startFixture)
  const proxies = await startProxies(await mapValues(eras, (era) => fixtures[era].url))
  try {
    const check = createChecker({ tools, limit, eras })
    const direct = memoize((era, suite) => check(era, suite, fixtures[era].url))
    const measured = chosen.flatMap((cell) =>
      cell.suites.map((suite) => measureSuite({ ...cell, suite, urls: proxies.urls[cell.fixture], direct, check })),
    )
    return (await Promise.all(measured)).flat()
  } finally {
    await proxies.stop()
    await Promise.all(Object.values(fixtures).map(({ stop }) => stop()))
  }
}

/** What runs against the same fixture runs one after the other, for the scenarios change its lists. */
function createChecker({ tools, limit, eras }) {
  const turns = Object.fromEntries(eras.map((era) => [era, createLimit(1)]))
  return (era, suite, url) => turns[era](() => limit(() => runServerSuite(tools, suite, url)))
}

async function measureSuite({ cell, fixture, yardstick = fixture, suite, urls, direct, check }) {
  const wanted = await direct(yardstick, suite)
  const found = await Promise.all(Object.values(urls).map((url) => check(fixture, suite, url)))
  return report({ cell, suite, wanted, found })
}

async function measureClients({ tools, limit, chosen }) {
  const measured = chosen.map(async ({ cell, revision: suite }) => {
    const runs = ['direct', ...Object.keys(ways)].map((way) =>
      limit(() => runClientSuite(tools, suite, commandOf(way))),
    )
    const [wanted, ...found] = await Promise.all(runs)
    return report({ cell, suite, wanted, found })
  })
  return (await Promise.all(measured)).flat()
}

const commandOf = (way) => `"${process.execPath}" "${here('scenario-client.mjs')}" ${way}`

function report({ cell, suite, wanted, found }) {
  const through = Object.keys(ways).map((via, index) => {
    const all = shortfalls(wanted, found[index])
    const excused = all.filter((one) => isExcused(cell, one))
    return { cell, suite, via, ...count(found[index]), lacking: all.filter((one) => !excused.includes(one)), excused }
  })
  return [{ cell, suite, via: 'direct', ...count(wanted), lacking: [], excused: [] }, ...through]
}

async function mapValues(keys, make) {
  return Object.fromEntries(await Promise.all(keys.map(async (key) => [key, await make(key)])))
}

function memoize(run) {
  const known = new Map()
  return (...args) => {
    const key = args.join(' ')
    if (!known.has(key)) known.set(key, run(...args))
    return known.get(key)
  }
}
