import { type LockedServer, noPins } from '../config/lock-data.ts'
import type { Said, Surveyed } from '../config/lock-survey.ts'
import { pinnedKinds } from '../shared/drift.ts'
import { compare } from './catalog/compare.ts'
import { driftOf } from './catalog/drift.ts'
import { inspect } from './catalog/integrity.ts'
import { digestOf, factsOf, pinsOf } from './catalog/pin.ts'
import type { Neighbour } from './catalog/suspicion.ts'
import type { Answer } from './survey.ts'
import type { Listing } from './upstream/listing.ts'

export interface LockedTexts {
  readonly locked: Readonly<Record<string, LockedServer>>
  /** By digest, as far as they are still known. */
  readonly texts: Readonly<Record<string, Said>>
}

/** Compares what servers answered with what is locked of them. */
export function surveyed(answers: readonly Answer[], known: LockedTexts): readonly Surveyed[] {
  const neighbours = answers.flatMap(neighbour)
  return answers.map((answer) => {
    const { name } = answer.server
    if (!('listing' in answer))
      return { name, state: answer.state === 'authRequired' ? 'authRequired' : 'unreachable', reason: answer.reason }
    const { listing } = answer
    const others = neighbours.filter(({ server }) => server !== name)
    const entry = { serverInfo: infoOf(listing), ...pinsOf(listing) }
    const drifts = driftsOf(answer, known, others)
    return { name, state: 'known', entry, drifts, texts: textsIn(listing), repeated: repeatedIn(listing) }
  })
}

function neighbour(answer: Answer): Neighbour[] {
  if (!('listing' in answer)) return []
  const tools = answer.listing.tools.flatMap(({ name }) => (typeof name === 'string' ? [name] : []))
  return [{ server: answer.server.name, tools }]
}

type Known = Extract<Answer, { listing: Listing }>

function driftsOf({ server, listing }: Known, { locked, texts }: LockedTexts, neighbours: readonly Neighbour[]) {
  const pins = (Object.hasOwn(locked, server.name) ? locked[server.name] : undefined) ?? noPins
  const { isBlocked } = inspect(server, listing)
  return compare(pins, listing).map((finding) => {
    const { kind, name, was } = finding
    const before = was !== undefined && Object.hasOwn(texts, was) ? texts[was] : undefined
    return driftOf(finding, { server: server.name, blocked: isBlocked(kind, name), before, neighbours })
  })
}

function infoOf({ serverInfo: { name, version } }: Listing): LockedServer['serverInfo'] {
  const text = (value: unknown) => (typeof value === 'string' ? value : '')
  return { name: text(name), version: text(version) }
}

function textsIn({ instructions, ...listing }: Listing): Readonly<Record<string, Said>> {
  const items = pinnedKinds.flatMap((kind) => listing[kind].map((item) => factsOf(kind, item)))
  const said: Said[] = [...(instructions === undefined ? [] : [instructions]), ...items]
  return Object.fromEntries(said.map((one) => [digestOf(one), one]))
}

function repeatedIn({ tools }: Listing): readonly string[] {
  const names = tools.flatMap(({ name }) => (typeof name === 'string' ? [name] : []))
  return [...new Set(names.filter((name, at) => names.indexOf(name) !== at))]
}
