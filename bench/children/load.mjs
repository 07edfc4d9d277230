// The load generator. What it is asked for: see ../load.mjs.
import { quantile } from '../stats.mjs'
import { Connection } from './connection.mjs'
import { createRequests, FIRST_ID, mistakeOf, opening, post, sessionHeaders } from './dialect.mjs'
import { ready } from './parent.mjs'
import { StreamedConnection } from './streamed-connection.mjs'

/** The sessions opened so far, by URL: a client keeps its session between two rounds. */
const sessions = new Map()
let nextId = FIRST_ID

ready({}, { run })

async function run({ connections, ms = Number.POSITIVE_INFINITY, calls = Number.POSITIVE_INFINITY, ...asked }) {
  const workers = await Promise.all(Array.from({ length: connections }, (_, index) => openWorker(asked, index)))
  const started = performance.now()
  const goal = { until: started + ms, left: calls }
  try {
    const results = await Promise.all(workers.map((worker) => drive(worker, goal)))
    return summaryOf(results, performance.now() - started)
  } finally {
    for (const { connection } of workers) connection.close()
  }
}

const openWorker = (asked, index) => (asked.transport === 'sse' ? openStreamed(asked) : openPlain(asked, index))

async function openPlain(asked, index) {
  const connection = await Connection.open(asked.url)
  const session = asked.era === 'legacy' ? await sessionOf(connection, asked.url, index) : undefined
  return { connection, requestOf: createRequests({ ...asked, session }), method: asked.method }
}

/** Here the stream is the session. */
async function openStreamed(asked) {
  const connection = await StreamedConnection.open(asked.url)
  const { url } = connection
  await ask(connection, post(url, opening.initialize))
  await new Promise((resolve, reject) => {
    connection.notify(post(url, opening.initialized), (error) => (error ? reject(error) : resolve()))
  })
  return { connection, requestOf: createRequests({ ...asked, url }), method: asked.method }
}

async function sessionOf(connection, url, index) {
  const known = sessions.get(url) ?? []
  sessions.set(url, known)
  known[index] ??= await openSession(connection, url)
  return known[index].id
}

async function openSession(connection, url) {
  const { head } = await ask(connection, post(url, opening.initialize))
  const id = /\r\nmcp-session-id: *([^\r]+)/i.exec(head)?.[1]
  await ask(connection, post(url, opening.initialized, sessionHeaders(id)))
  return { id }
}

const ask = (connection, request) =>
  new Promise((resolve, reject) => {
    connection.send(request, (error, answer) => {
      if (error) reject(error)
      else if (!/^HTTP\/1\.1 20[02]/.test(answer.head)) reject(new Error(`a session was refused: ${answer.head}`))
      else resolve(answer)
    })
  })

/** One request after the other, until the time is over or the calls are spent. */
function drive({ connection, requestOf, method }, goal) {
  return new Promise((resolve, reject) => {
    const latencies = []
    let id
    let sent
    let bytes = 0
    const next = () => {
      if (performance.now() >= goal.until || goal.left <= 0) return resolve({ latencies, bytes })
      goal.left--
      id = nextId++
      sent = performance.now()
      connection.send(requestOf(id), take)
    }
    const take = (error, answer) => {
      if (error) return reject(error)
      latencies.push((performance.now() - sent) * 1000)
      bytes = answer.body.length
      const mistake = mistakeOf(answer, { id, method })
      if (mistake) return reject(new Error(mistake))
      next()
    }
    next()
  })
}

function summaryOf(results, ms) {
  const latencies = Float64Array.from(results.flatMap((result) => result.latencies)).sort()
  const at = (share) => quantile(latencies, share)
  return {
    calls: latencies.length,
    ms,
    rate: (latencies.length / ms) * 1000,
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    max: at(1),
    bytes: results[0].bytes,
  }
}
