import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Era } from '../mcp/era.ts'
import { isRecord } from '../mcp/rpc.ts'

/** A server found to be legacy may have learned the other era since, and would never say so. */
const LEGACY_MS = 24 * 60 * 60 * 1000

export interface VerdictOptions {
  /** The state folder; what is found out is kept in its folder `eras`. */
  readonly owner: string
  /** Of the server; its origin and path are what the verdict is about. */
  readonly url: string
  readonly log: Log
  /** Wall clock in milliseconds, since the date outlives the process. */
  readonly now: () => number
}

interface Finding {
  readonly era: Era
  readonly at: number
}

/**
 * Which era a remote server was found to speak, and when: remembered on disk, so that another start need not probe. A
 * folder that cannot be written costs the memory, nothing else.
 */
export class Verdict {
  readonly #options: VerdictOptions
  readonly #folder: string
  readonly #file: string
  #finding: Promise<Finding | undefined> | undefined

  constructor(options: VerdictOptions) {
    const { owner, url } = options
    const { origin, pathname } = new URL(url)
    this.#options = options
    this.#folder = join(owner, 'eras')
    const key = createHash('sha256').update(origin + pathname)
    this.#file = join(this.#folder, `${key.digest('hex')}.json`)
  }

  /** Undefined when it is not known, or not any more. */
  async era(): Promise<Era | undefined> {
    this.#finding ??= this.#read()
    const finding = await this.#finding
    if (!finding) return undefined
    const age = this.#options.now() - finding.at
    const isFresh = age >= 0 && age < LEGACY_MS
    return finding.era === 'modern' || isFresh ? finding.era : undefined
  }

  /** Found out just now. Never rejects. */
  async settle(era: Era): Promise<void> {
    const finding = { era, at: this.#options.now() }
    const isNews = (await this.era()) !== era
    this.#finding = Promise.resolve(finding)
    if (isNews) await this.#attempt('kept', () => this.#write(finding))
  }

  /** It proved wrong. Never rejects. */
  async forget(): Promise<void> {
    this.#finding = Promise.resolve(undefined)
    await this.#attempt('dropped', () => rm(this.#file, { force: true }))
  }

  async #read(): Promise<Finding | undefined> {
    try {
      return findingIn(await readFile(this.#file, 'utf8'))
    } catch {
      // Not there, not readable, not JSON: as good as never found out.
      return undefined
    }
  }

  /** Whole or not at all: another proxy of the same owner may read at any time. */
  async #write({ era, at }: Finding): Promise<void> {
    await mkdir(this.#folder, { mode: 0o700 }).catch(unlessThere)
    const draft = `${this.#file}.${randomUUID()}`
    try {
      await writeFile(draft, `${JSON.stringify({ era, at: new Date(at).toISOString() })}\n`, { mode: 0o600 })
      await rename(draft, this.#file)
    } catch (error) {
      await rm(draft, { force: true })
      throw error
    }
  }

  async #attempt(what: string, change: () => Promise<void>): Promise<void> {
    try {
      await change()
    } catch (error) {
      this.#options.log.debug(`the era of the server is not ${what}`, { reason: messageOf(error) })
    }
  }
}

function unlessThere(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
}

function findingIn(text: string): Finding | undefined {
  const value: unknown = JSON.parse(text)
  if (!isRecord(value)) return undefined
  const { era } = value
  const at = Date.parse(String(value.at))
  return (era === 'legacy' || era === 'modern') && !Number.isNaN(at) ? { era, at } : undefined
}
