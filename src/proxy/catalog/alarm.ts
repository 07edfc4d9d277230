import { pinNamed } from '../../config/lock-data.ts'
import type { Pins, Server } from '../../config/profile.ts'
import { type Drift, pinnedKinds } from '../../shared/drift.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { Recent } from '../../shared/recent.ts'
import type { Item, Listing } from '../upstream/listing.ts'
import type { Finding } from './compare.ts'
import { inspect } from './integrity.ts'
import { keys } from './piece.ts'
import { digestOf, pinOf } from './pin.ts'

export interface AlarmOptions {
  readonly log: Log
  readonly drifted: (drift: Drift) => void
  /** A monotonic clock, in milliseconds. */
  readonly now?: () => number
}

/** Contents that were told of; what is not among the newest of them is told again. */
const REMEMBERED = 1_000
/** Of one server at once, and how long until it may tell one more. */
const BURST = 20
const PAUSE_MS = 10_000

interface Told {
  left: number
  since: number
  isSilenced: boolean
}

/** Tells that a server is not as it was locked: of each content once, and of a server that never rests not for ever. */
export class Alarm {
  readonly #options: AlarmOptions
  readonly #now: () => number
  readonly #known = new Recent<true>(REMEMBERED)
  readonly #told = new Map<string, Told>()
  /** What was as locked, so that it can be said how it differs from what came in its place. */
  readonly #sound = new WeakMap<Pins, Map<string, Item | string>>()

  constructor(options: AlarmOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  /** The lists of a server are these from now on, and this is what of them clients would see. */
  look(server: Server, listing: Listing | undefined, findings: readonly Finding[]): void {
    const { pins } = server
    if (pins === null || listing === undefined) return
    const { isBlocked } = inspect(server, listing)
    const sound = this.#remember(pins, listing)
    for (const finding of findings) {
      const { kind, name } = finding
      if (!this.#isDue(server.name, finding)) continue
      const facts = { server: server.name, blocked: isBlocked(kind, name), before: sound.get(`${kind} ${name}`) }
      this.#tell(finding, facts)
    }
  }

  #remember(pins: Pins, listing: Listing): ReadonlyMap<string, Item | string> {
    const sound = this.#sound.get(pins) ?? new Map<string, Item | string>()
    this.#sound.set(pins, sound)
    const { instructions } = listing
    if (instructions !== undefined && digestOf(instructions) === pins.instructions)
      sound.set('instructions ', instructions)
    for (const kind of pinnedKinds)
      for (const item of listing[kind]) {
        const name = item[keys[kind]]
        if (typeof name !== 'string') continue
        if (pinNamed(pins[kind], name)?.digest === pinOf(kind, item).digest) sound.set(`${kind} ${name}`, item)
      }
    return sound
  }

  /** A content that is not told of now may be the next time it is looked at. */
  #isDue(server: string, { kind, name, now, was }: Finding): boolean {
    const content = typeof now === 'object' && kind !== 'instructions' ? pinOf(kind, now).digest : digestOf(now)
    const key = JSON.stringify([server, kind, name, was, content])
    const isKnown = this.#known.get(key) === true
    if (!isKnown && !this.#mayTell(server)) return false
    this.#known.set(key, true)
    return !isKnown
  }

  #mayTell(server: string): boolean {
    const now = this.#now()
    const told = this.#told.get(server) ?? { left: BURST, since: now, isSilenced: false }
    this.#told.set(server, told)
    const regained = Math.floor((now - told.since) / PAUSE_MS)
    told.left = Math.min(BURST, told.left + regained)
    told.since += regained * PAUSE_MS
    if (told.left > 0) {
      told.left--
      told.isSilenced = false
      return true
    }
    if (!told.isSilenced) this.#options.log.warn('more changes are not told of one by one', { server })
    told.isSilenced = true
    return false
  }

  /** What it takes to put it into words is loaded with the first one. */
  #tell(finding: Finding, facts: { server: string; blocked: boolean; before: Item | string | undefined }): void {
    const { log, drifted } = this.#options
    void import('./drift.ts')
      .then(({ driftOf }) => driftOf(finding, facts))
      .then((drift) => {
        const { name, ...rest } = drift
        log.warn('not as locked', { ...rest, item: name })
        drifted(drift)
      })
      .catch((error: unknown) => log.error('a change could not be told', { error: messageOf(error) }))
  }
}
