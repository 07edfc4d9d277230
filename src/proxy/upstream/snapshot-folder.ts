import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { redact } from '../../shared/secret.ts'
import { type Memory, memoryIn, textOf } from './snapshot-text.ts'

const MAX_BYTES = 32 * 1024 * 1024
const DAY_MS = 24 * 60 * 60 * 1000
/** Nobody has used it for so long: the server is gone, or its credentials are others. */
const OLDEST_MS = 30 * DAY_MS
const MOST_FILES = 4096
/** A draft that is not finished by now never will be: its writer was killed. */
const OLDEST_DRAFT_MS = 60_000

const SUFFIX = '.json'
const DRAFT = '.draft'

export interface SnapshotFolderOptions {
  /** Made when first needed; the state folder around it must be there. */
  readonly path: string
  /** What must not get onto the disk, as of now. */
  readonly secrets: () => readonly string[]
}

/**
 * The folder of snapshots, one file per server and credentials, for nobody else to read. A file is whole or not there,
 * whoever is killed at whatever moment; proxies that write the same one do so one after the other.
 */
export class SnapshotFolder {
  readonly #options: SnapshotFolderOptions
  /** One after the other: a group of a thousand servers must not have a thousand files open. */
  #queue: Promise<unknown> = Promise.resolve()
  #isTidy = false

  constructor(options: SnapshotFolderOptions) {
    this.#options = options
  }

  /** Undefined when there is none. Rejects when it cannot be read or is none of ours. */
  async read(key: string): Promise<Memory | undefined> {
    const file = this.#file(key)
    const text = await readFresh(file)
    return text === undefined ? undefined : memoryIn(text)
  }

  /** Replaces the file by what is to be remembered when its turn comes; undefined: nothing. Rejects when it cannot. */
  write(key: string, memory: () => Promise<Memory | undefined>): Promise<void> {
    const written = this.#queue.then(async () => this.#replace(this.#file(key), await memory()))
    // What failed is told to who asked for it; the next one may succeed.
    this.#queue = written.then(() => this.#tidyOnce()).catch(() => {})
    return written
  }

  #file(key: string): string {
    return join(this.#options.path, key + SUFFIX)
  }

  async #replace(file: string, memory: Memory | undefined): Promise<void> {
    const text = memory && textOf(memory)
    const flaw = text === undefined ? undefined : flawOf(text, this.#options.secrets())
    if (text === undefined || flaw !== undefined) await rm(file, { force: true })
    else await this.#put(file, text)
    if (flaw !== undefined) throw new Error(flaw)
  }

  /** Not synced: after a power failure an empty file is as good as none. */
  async #put(file: string, text: string): Promise<void> {
    const draft = `${file}.${randomUUID()}${DRAFT}`
    try {
      await this.#draft(draft, text)
      await rename(draft, file)
    } catch (error) {
      await rm(draft, { force: true })
      throw error
    }
  }

  /** The folder is missing once in its life. */
  async #draft(draft: string, text: string): Promise<void> {
    const write = (): Promise<void> => writeFile(draft, text, { mode: 0o600 })
    await write().catch(async (error: unknown) => {
      if (!hasCode(error, 'ENOENT')) throw error
      await mkdir(this.#options.path, { mode: 0o700 }).catch(unlessThere)
      await write()
    })
  }

  /** The folder only grows where something is written, so that is when to look. */
  async #tidyOnce(): Promise<void> {
    if (this.#isTidy) return
    this.#isTidy = true
    const { path } = this.#options
    const found = []
    for (const name of await readdir(path)) found.push({ name, age: await ageOf(join(path, name)) })
    const kept = found.filter(({ name }) => name.endsWith(SUFFIX)).sort((a, b) => a.age - b.age)
    const drafts = found.filter(({ name, age }) => name.endsWith(DRAFT) && age > OLDEST_DRAFT_MS)
    const old = kept.filter(({ age }, index) => age > OLDEST_MS || index >= MOST_FILES)
    for (const { name } of [...drafts, ...old]) await rm(join(path, name), { force: true })
  }
}

/** The text of a file, which from then on counts as used today. As few turns as can be: the first list waits for it. */
async function readFresh(file: string): Promise<string | undefined> {
  const handle = await open(file).catch(unlessMissing)
  if (!handle) return undefined
  try {
    const { size, mtimeMs } = await handle.stat()
    if (size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`)
    if (Date.now() - mtimeMs > DAY_MS) void touch(file)
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(size), 0, size, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    // What was read is read, whatever becomes of the descriptor.
    handle.close().catch(() => {})
  }
}

async function touch(file: string): Promise<void> {
  const now = new Date()
  // Where that is not allowed, the file is only removed earlier.
  await utimes(file, now, now).catch(() => {})
}

function flawOf(text: string, secrets: readonly string[]): string | undefined {
  if (Buffer.byteLength(text) > MAX_BYTES) return `it would be larger than ${MAX_BYTES} bytes`
  return redact(text, secrets) === text ? undefined : 'the server repeats a secret'
}

/** Milliseconds since it was written or used; what another process has just removed is not old. */
function ageOf(file: string): Promise<number> {
  return stat(file).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  )
}

function unlessThere(error: unknown): void {
  if (!hasCode(error, 'EEXIST')) throw error
}

function unlessMissing(error: unknown): undefined {
  if (!hasCode(error, 'ENOENT')) throw error
  return undefined
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
