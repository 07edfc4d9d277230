import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Era, titleOf } from './cells.ts'
import { Comparison, type Difference } from './comparison.ts'
import { exchanges } from './exchange.ts'
import { directPath } from './ground.ts'
import { type Spoiling, startHop } from './lossy.ts'
import { type Json, type Mirror, startMirror } from './mirror.ts'
import { seed } from './runs.ts'
import { Wire } from './wire.ts'

let mirror: Mirror
let wire: Wire

beforeAll(async () => {
  wire = new Wire()
  mirror = await startMirror()
})

afterAll(async () => {
  await mirror[Symbol.asyncDispose]()
  await wire[Symbol.asyncDispose]()
})

const eras: readonly Era[] = ['legacy', 'modern']

/** Differences between two servers that are the same, with a hop in front of one of them. */
async function differencesWith(era: Era, spoiling: Spoiling, count: number): Promise<readonly Difference[]> {
  const path = await directPath(mirror, era)
  await using hop = await startHop(path.url, spoiling)
  const comparison = await Comparison.of({ ...path, url: hop.url }, wire)
  const batch = fc.array(exchanges(path.terrain), { minLength: path.width, maxLength: path.width })
  const found: Difference[] = []
  for (const some of fc.sample(batch, { seed, numRuns: count / path.width }))
    found.push(...(await comparison.differences(some)))
  return found
}

describe.each(eras)('a %s server', (era) => {
  test(`is the same as its twin: ${titleOf({ client: era, server: era })}`, async () => {
    expect(await differencesWith(era, {}, 400)).toEqual([])
  })

  test.each(spoilings())('cannot hide a hop that $title', async ({ spoiling }) => {
    expect(await differencesWith(era, spoiling, 160)).not.toEqual([])
  })
})

function spoilings(): { readonly title: string; readonly spoiling: Spoiling }[] {
  return [
    { title: 'drops an unknown member', spoiling: { toClient: within('result', without('x-unknown')) } },
    { title: 'drops _meta of a request', spoiling: { toServer: within('params', without('_meta')) } },
    {
      title: 'rewrites messages of errors',
      spoiling: { toClient: within('error', (error) => ({ ...error, message: '' })) },
    },
    { title: 'drops data of errors', spoiling: { toClient: within('error', without('data')) } },
    {
      title: 'makes text of ids',
      spoiling: { toClient: (one) => ('result' in one ? { ...one, id: String(one.id) } : one) },
    },
    {
      title: 'drops log messages',
      spoiling: { toClient: (one) => (one.method === 'notifications/message' ? {} : one) },
    },
  ]
}

function within(member: string, change: (value: Json) => Json) {
  const deep = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(deep)
    if (typeof value !== 'object' || value === null) return value
    return change(Object.fromEntries(Object.entries(value).map(([key, one]) => [key, deep(one)])))
  }
  return (message: Json): Json => (member in message ? { ...message, [member]: deep(message[member]) } : message)
}

function without(name: string) {
  return ({ [name]: _dropped, ...rest }: Json): Json => rest
}
