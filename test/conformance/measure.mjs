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
const FEW = 5

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
  const through = Object.entries(urls).map(async ([via, url]) => {
    const measured = { cell, suite, via, wanted }
    return judgeTwice(measured, () => check(fixture, suite, url))
  })
  return [reportDirect(cell, suite, wanted), ...(await Promise.all(through))]
}

async function measureClients({ tools, limit, chosen }) {
  const measured = chosen.map(async ({ cell, revision: suite }) => {
    const run = (way) => limit(() => runClientSuite(tools, suite, commandOf(way)))
    const wanted = await run('direct')
    const through = Object.keys(ways).map((via) => judgeTwice({ cell, suite, via, wanted }, () => run(via)))
    return [reportDirect(cell, suite, wanted), ...(await Promise.all(through))]
  })
  return (await Promise.all(measured)).flat()
}

/** Scenarios about authorization are measured elsewhere; the shell answers them at once, where there is one. */
function commandOf(way) {
  const command = `"${process.execPath}" "${here('scenario-client.mjs')}" ${way}`
  if (process.platform === 'win32') return command
  return `case "$MCP_CONFORMANCE_SCENARIO" in auth/*) exit 0;; esac; exec ${command}`
}

const reportDirect = (cell, suite, checks) => ({
  cell,
  suite,
  via: 'direct',
  ...count(checks),
  lacking: [],
  excused: [],
  tries: 1,
})

/** Some scenarios wait half a second and no longer, which a busy machine can miss: a few lacks get a second try. */
async function judgeTwice(measured, run) {
  const first = judge(measured, await run(), 1)
  if (first.lacking.length === 0 || first.lacking.length > FEW) return first
  const second = judge(measured, await run(), 2)
  return second.lacking.length < first.lacking.length ? second : { ...first, tries: 2 }
}

function judge({ cell, suite, via, wanted }, found, tries) {
  const all = shortfalls(wanted, found)
  const excused = all.filter((lack) => isExcused(cell, lack))
  const lacking = all.filter((lack) => !excused.includes(lack))
  return { cell, suite, via, ...count(found), lacking, excused, tries }
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
