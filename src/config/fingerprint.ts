import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { LOCK_FILE } from './lock-data.ts'
import type { Parses } from './parses.ts'
import { type Content, fingerprintOf, MAX_BYTES, readBytes, type Sources } from './read.ts'

/** What became of one file. */
export interface Change {
  readonly path: string
  readonly fingerprint: string
  /** False for what looks like the middle of a write: missing, empty, not to be parsed, a tenth of what it was. */
  readonly isWhole: boolean
}

/** Absolute paths with the fingerprint of what is there now. Never throws: a file that cannot be read has a fingerprint too. */
export async function fingerprintsOf(paths: readonly string[]): Promise<Sources> {
  const entry = async (path: string) => [path, await fingerprintOf(path, await readBytes(path, MAX_BYTES))] as const
  return new Map(await Promise.all(paths.map(entry)))
}

/** What differs from before. Never throws. */
export async function changesSince(before: Sources, parses: Parses): Promise<readonly Change[]> {
  const found = await Promise.all([...before].map(([path, fingerprint]) => changeOf(path, fingerprint, parses)))
  return found.filter((change) => change !== undefined)
}

/** Which folders the paths lead to: one that was deleted and made anew, or swapped by a link, is another one. */
export async function identities(paths: readonly string[]): Promise<string> {
  const found = await Promise.all(paths.map((path) => stat(path, { bigint: true }).catch(() => undefined)))
  return found.map((one) => (one?.isDirectory() ? `${one.dev}-${one.ino}-${one.birthtimeNs}` : '')).join()
}

/** Only what differs is looked into: files are looked at every few seconds. */
async function changeOf(path: string, before: string, parses: Parses): Promise<Change | undefined> {
  const read = await readBytes(path, MAX_BYTES)
  const fingerprint = await fingerprintOf(path, read)
  if (fingerprint === before) return undefined
  if (!('bytes' in read)) return { path, fingerprint, isWhole: read.code === 'is_folder' }
  return { path, fingerprint, isWhole: !isRemnant(before, fingerprint) && isWhole(path, read, parses) }
}

/** A file that was cut off may parse all the same, and say that most of what there was is gone. */
function isRemnant(before: string, fingerprint: string): boolean {
  return before.startsWith('=') && fingerprint.length < before.length / 10
}

function isWhole(path: string, { bytes }: Content, parses: Parses): boolean {
  if (bytes.length === 0) return false
  if (basename(path) === LOCK_FILE) return isJson(bytes)
  if (!/\.(?:ya?ml|json)$/.test(basename(path))) return true
  return parses.isSound(path, new TextDecoder().decode(bytes))
}

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder().decode(bytes))
    return true
  } catch {
    // Perhaps only half of it is there yet.
    return false
  }
}
