import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Cell, cells, type Era, titleOf } from './cells.ts'
import { connect, type RawClient, type Transcript } from './client.ts'
import type { Exchange } from './exchange.ts'
import { type Ground, type Path, prepareGround, ways } from './ground.ts'
import type { Json } from './mirror.ts'
import { patience, runs } from './runs.ts'

let ground: Ground

beforeAll(async () => {
  ground = await prepareGround([...new Set(cells.map(({ server }) => server))])
})

afterAll(() => ground[Symbol.asyncDispose]())

const CLIENTS = 100
const IDS = 100
/** Ten calls for every exchange of the fidelity suite: 100,000 in the whole proof. */
const calls = Math.max(runs * 10, CLIENTS)
/** Questions that one person is asked. */
const ROUNDS = Math.ceil(Math.min(runs / 10, 500))
/** What one client has under way at once. */
const ABREAST = 3

test(
  'a hundred clients with the same ids and tokens get their own answers, progress and log messages',
  async () => {
    const shared = await Promise.all(cells.flatMap((cell) => sharedPaths(cell)))
    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, async (_, i) => openTalk(shared[i % shared.length] ?? shared[0])),
    )
    const share = Math.ceil(calls / CLIENTS)
    const mismatches = await Promise.all(clients.map((talk) => talkAll(talk, share)))
    expect(mismatches.flat()).toEqual([])
  },
  patience(calls),
)

interface Talk {
  readonly client: RawClient
  readonly path: Path
}

function sharedPaths(cell: Cell): Promise<Path>[] {
  return ways.map((way) => ground.path(cell, way))
}

async function openTalk(path: Path | undefined): Promise<Talk> {
  if (!path) throw new Error('no cell is open')
  return { path, client: await connect(path.terrain.cell.client, ground.wire, path.url) }
}

/** The mismatches of one client's calls, a few of them always under way. */
async function talkAll(talk: Talk, share: number): Promise<readonly unknown[]> {
  const found: unknown[] = []
  let next = 0
  const work = async () => {
    while (next < share) found.push(...(await talkOnce(talk, next++ % IDS)))
  }
  await Promise.all(Array.from({ length: ABREAST }, work))
  return found
}

async function talkOnce({ client, path }: Talk, id: number): Promise<readonly unknown[]> {
  const nonce = randomUUID()
  const progress = { method: 'notifications/progress', params: { progress: 1, nonce } }
  const log = { method: 'notifications/message', params: { level: 'info', data: nonce } }
  // On pipes nothing says to which of several calls a log message belongs.
  const notifications = path.terrain.hasStreams ? [progress, log] : [progress]
  const rounds = [{ notifications, questions: [], extra: {} }]
  const seen = await client.run({ ...call(path, id), rounds, answer: { result: { nonce } } }, nonce)
  const [status, ...messages] = seen
  const got = messages.map(({ method, params, result, ...rest }) => ({
    method,
    id: rest.id,
    token: (params as Json | undefined)?.progressToken,
    nonce: nonceOf({ params, result }),
  }))
  const told = notifications.map(({ method }) => ({
    method,
    id: undefined,
    token: method === progress.method ? id : undefined,
    nonce,
  }))
  const wanted = [...told, { method: undefined, id, token: undefined, nonce }]
  return status?.status === 200 && same(got, wanted)
    ? []
    : [{ way: path.url, cell: path.terrain.cell, id, nonce, seen }]
}

function call(path: Path, id: number): Exchange {
  return {
    id,
    method: 'tools/call',
    params: { name: path.shown('plain'), _meta: { progressToken: id } },
    place: 'params',
    rounds: [],
    answer: { result: {} },
  }
}

function nonceOf({ params, result }: Json): unknown {
  const said = { ...(params as Json | undefined), ...(result as Json | undefined) }
  return said.nonce ?? said.data
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

describe.each(cells.map((cell) => ({ title: titleOf(cell), cell })))('$title', ({ cell }) => {
  test.each(ways)(
    'two people are never asked each other’s questions over $transport on the $address address',
    async (way) => {
      const path = await ground.path(cell, way)
      const people = await Promise.all([openTalk(path), openTalk(path)])
      const reports = await Promise.all(people.map((talk) => askMany(talk, ROUNDS)))
      expect(reports.flatMap(({ crossed }) => crossed)).toEqual([])
      // Over HTTP the stream says whose question it is; on pipes one that is not certain is refused.
      const answered = reports.flatMap((report) => report.answered)
      if (path.terrain.hasStreams) expect(answered).toHaveLength(2 * ROUNDS)
    },
    patience(1000),
  )

  test.each(ways)('a person alone is always asked over $transport on the $address address', async (way) => {
    const { answered, crossed } = await askMany(await openTalk(await ground.path(cell, way)), 10)
    expect(crossed).toEqual([])
    expect(answered).toHaveLength(10)
  })
})

describe.each(['legacy', 'modern'] as const)('clients of both eras on one %s server', (server) => {
  test.each(ways)(
    'are never asked each other’s questions over $transport on the $address address',
    async (way) => {
      const open = async (client: Era) => openTalk(await ground.path({ client, server }, way))
      const people = await Promise.all([open('legacy'), open('modern'), open('legacy'), open('modern')])
      const reports = await Promise.all(people.map((talk) => askMany(talk, ROUNDS)))
      expect(reports.flatMap(({ crossed }) => crossed)).toEqual([])
      const answered = reports.flatMap((report) => report.answered)
      if (way.transport === 'http' || server === 'modern') expect(answered).toHaveLength(people.length * ROUNDS)
    },
    patience(1000),
  )
})

interface Report {
  /** Nonces of calls whose question was put and answered. */
  readonly answered: readonly string[]
  /** What was seen of somebody else's. */
  readonly crossed: readonly unknown[]
}

async function askMany({ client, path }: Talk, rounds: number): Promise<Report> {
  const answered: string[] = []
  const crossed: unknown[] = []
  for (let round = 0; round < rounds; round++) {
    const nonce = randomUUID()
    const seen = await client.run(asking(path, round, nonce), nonce)
    const [received = []] = await path.behind.received([nonce])
    const foreign = [...noncesIn(seen), ...noncesIn(received)].filter((found) => found !== nonce)
    if (foreign.length > 0) crossed.push({ nonce, seen, received })
    if (JSON.stringify(received).includes(`reply to ${nonce}`)) answered.push(nonce)
  }
  return { answered, crossed }
}

function asking(path: Path, id: number, nonce: string): Exchange {
  const params = { message: nonce, requestedSchema: { type: 'object', properties: {} } }
  const reply = { result: { action: 'accept', content: { said: `reply to ${nonce}` } } }
  const question = { method: 'elicitation/create', params, reply, progress: [] }
  return {
    ...call(path, id),
    rounds: [{ notifications: [], questions: [question], extra: {} }],
    answer: { result: { nonce } },
  }
}

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g

function noncesIn(messages: Transcript): readonly string[] {
  // A modern proxy may put a state of its own into its questions.
  return JSON.stringify(messages, (key, value) => (key === 'requestState' ? undefined : value)).match(UUID) ?? []
}
