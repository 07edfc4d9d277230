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
 * warned, lacking, excused, tries }`, where `lacking` is what its yardstick has and it has not; and the exceptions that
 * nothing needed.
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
  return withServers(eras, async ({ direct, proxied }) => {
    const check = createChecker({ tools, limit, eras })
    const measureDirect = memoize((era, suite) => judgeDirect(() => check(era, suite, direct[era])))
    const measured = chosen.flatMap((cell) =>
      cell.suites.map((suite) => measureSuite({ ...cell, suite, urls: proxied[cell.fixture], measureDirect, check })),
    )
    return (await Promise.all(measured)).flat()
  })
}

/** Runs `use` with the fixture of each era (`direct[era]`) and proxies in front of them (`proxied[era][way]`). */
async function withServers(eras, use) {
  const started = []
  try {
    const direct = {}
    for (const era of eras) {
      const fixture = await startFixture(era)
      started.push(fixture)
      direct[era] = fixture.url
    }
    const proxies = await startProxies(direct)
    started.push(proxies)
    return await use({ direct, proxied: proxies.urls })
  } finally {
    for (const { stop } of started.toReversed()) await stop()
  }
}

/** What runs against the same fixture runs one after the other, for the scenarios change its lists. */
function createChecker({ tools, limit, eras }) {
  const turns = Object.fromEntries(eras.map((era) => [era, createLimit(1)]))
  return (era, suite, url) => turns[era](() => limit(() => runServerSuite(tools, suite, url)))
}

async function measureSuite({ cell, fixture, yardstick = fixture, suite, urls, measureDirect, check }) {
  const direct = await measureDirect(yardstick, suite)
  const through = Object.entries(urls).map(async ([via, url]) => {
    const judged = await judgeTwice({ cell, wanted: direct.checks }, () => check(fixture, suite, url))
    return { via, ...judged }
  })
  return report({ cell, suite }, [{ via: 'direct', ...direct }, ...(await Promise.all(through))])
}

async function measureClients({ tools, limit, chosen }) {
  const measured = chosen.map(async ({ cell, revision: suite }) => {
    const run = (way) => limit(() => runClientSuite(tools, suite, commandOf(way)))
    const direct = await judgeDirect(() => run('direct'))
    const through = Object.keys(ways).map(async (via) => {
      const judged = await judgeTwice({ cell, wanted: direct.checks }, () => run(via))
      return { via, ...judged }
    })
    return report({ cell, suite }, [{ via: 'direct', ...direct }, ...(await Promise.all(through))])
  })
  return (await Promise.all(measured)).flat()
}

/** Scenarios about authorization are measured elsewhere; the shell answers them at once, where there is one. */
function commandOf(way) {
  const command = `"${process.execPath}" "${here('scenario-client.mjs')}" ${way}`
  if (process.platform === 'win32') return command
  return `case "$MCP_CONFORMANCE_SCENARIO" in auth/*) exit 0;; esac; exec ${command}`
}

const report = (of, judged) => judged.map(({ checks, ...run }) => ({ ...of, ...run, ...count(checks) }))

/** Nothing measures the yardstick itself: what goes wrong in it is lacking. */
const judgeDirect = (run) => judgeTwice({ wanted: [] }, run)

/** Some scenarios wait half a second and no longer, which a busy machine can miss: a few lacks get a second try. */
async function judgeTwice(measured, run) {
  const first = judge(measured, await run())
  if (first.lacking.length === 0 || first.lacking.length > FEW) return { ...first, tries: 1 }
  const second = judge(measured, await run())
  return { ...(second.lacking.length < first.lacking.length ? second : first), tries: 2 }
}

function judge({ cell, wanted }, checks) {
  const all = shortfalls(wanted, checks)
  const excused = all.filter((lack) => isExcused(cell, lack))
  return { checks, excused, lacking: all.filter((lack) => !excused.includes(lack)) }
}

function memoize(run) {
  const known = new Map()
  return (...args) => {
    const key = args.join(' ')
    if (!known.has(key)) known.set(key, run(...args))
    return known.get(key)
  }
}
