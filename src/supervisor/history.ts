import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { WrittenSet } from '../config/load.ts'
import type { Wish } from '../control/protocol.ts'
import { McpctlError, messageOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { Lane } from './lane.ts'

/** What was in force, as it was written: secrets are references, and no value of the environment is in it. */
export interface Remembered {
  /** RFC 3339. */
  readonly at: string
  /** The profile that was chosen. */
  readonly profile: string
  readonly wish: Omit<Wish, 'env' | 'profile' | 'resume' | 'allowEmpty'>
  readonly set: WrittenSet
}

export interface HistoryOptions {
  readonly folder: string
  readonly log: Log
}

const VERSION = 1
const KEPT = 20

/** The configurations that were in force, by generation, on disk: the newest is the last good one. */
export class History {
  readonly #options: HistoryOptions
  readonly #lane = new Lane()
  #numbers: readonly number[]
  /** The newest, without its time; unknown before the first one of this process. */
  #newest: string | undefined
  #isLost = false

  constructor(options: HistoryOptions) {
    this.#options = options
    this.#numbers = numbersIn(options.folder)
  }

  /** Oldest first; whatever is being written counts. */
  get numbers(): readonly number[] {
    return this.#numbers
  }

  /** 0 when there is none. */
  get newest(): number {
    return this.#numbers.at(-1) ?? 0
  }

  /** Remembers what is in force from now on. Never rejects: on a full disk all goes on but this. */
  keep(generation: number, remembered: Remembered): Promise<void> {
    const { at: _at, ...content } = remembered
    const text = JSON.stringify(content)
    const before = this.newest
    this.#newest ??= contentOf(this.#path(before))
    const isKnown = text === this.#newest
    if (isKnown && before === generation) return Promise.resolve()
    this.#newest = text
    const others = this.#numbers.filter((number) => number !== generation && !(isKnown && number === before))
    this.#numbers = [...others, generation]
    return this.#lane.run(() => this.#tryTo(() => this.#write(generation, remembered)))
  }

  /** Throws McpctlError `usage` when it is not there, or cannot be read. */
  read(generation: number): Promise<Remembered> {
    return this.#lane.run(async () => {
      try {
        const { version, ...remembered } = JSON.parse(await readFile(this.#path(generation), 'utf8'))
        if (version !== VERSION) throw new Error(`it is of version ${version}`)
        return remembered
      } catch (cause) {
        const isMissing = !this.#numbers.includes(generation)
        const what = isMissing ? `there is no generation ${generation}` : `generation ${generation} cannot be read`
        const hint = this.#numbers.length === 0 ? '' : `known: ${this.#numbers.join(', ')}`
        throw new McpctlError('usage', isMissing ? what : `${what}: ${messageOf(cause)}`, { hint, cause })
      }
    })
  }

  /** Whole or not at all, also when the machine goes down meanwhile. */
  async #write(generation: number, remembered: Remembered): Promise<void> {
    const { folder } = this.#options
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const fresh = join(folder, 'new')
    const file = await open(fresh, 'w', 0o600)
    try {
      await file.writeFile(JSON.stringify({ version: VERSION, ...remembered }))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(fresh, this.#path(generation))
    this.#numbers = this.#numbers.slice(-KEPT)
    const kept = new Set(this.#numbers)
    const old = numbersIn(folder).filter((number) => !kept.has(number))
    await Promise.all(old.map((number) => rm(this.#path(number), { force: true })))
  }

  async #tryTo(write: () => Promise<void>): Promise<void> {
    try {
      await write()
      this.#isLost = false
    } catch (error) {
      // Said once: what is full now is full at the next reload too.
      if (!this.#isLost) this.#options.log.warn('configuration not remembered', { error: messageOf(error) })
      this.#isLost = true
    }
  }

  #path(generation: number): string {
    return join(this.#options.folder, `${generation}.json`)
  }
}

/** What a file holds, without its time; undefined when there is none, or none that can be read. */
function contentOf(path: string): string | undefined {
  try {
    const { version: _version, at: _at, ...content } = JSON.parse(readFileSync(path, 'utf8'))
    return JSON.stringify(content)
  } catch {
    // Then it is not the same as another one either.
    return undefined
  }
}

function numbersIn(folder: string): readonly number[] {
  return filesIn(folder)
    .flatMap((name) => /^(\d+)\.json$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((one, other) => one - other)
}

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    // Not there yet, or not for us: then there is nothing to go back to.
    return []
  }
}
