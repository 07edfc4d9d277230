import { stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { parse } from './parse.ts'
import { hashOf, readBytes, type Sources } from './read.ts'
import { sourceOf } from './source.ts'

/** What is there now. */
export type Fingerprint = ReadonlyMap<string, Print>

export interface Print {
  readonly hash: string
  /** False for what looks like the middle of a write: missing, empty, not to be parsed. */
  readonly isWhole: boolean
}

const MAX_BYTES = 1024 * 1024

/** Never throws: a file that cannot be read has a fingerprint too. */
export async function fingerprint(paths: readonly string[]): Promise<Fingerprint> {
  return new Map(await Promise.all(paths.map(async (path) => [path, await printOf(path)] as const)))
}

/** As `fingerprint`, for who only compares later. */
export async function hashesOf(paths: readonly string[]): Promise<Sources> {
  return hashes(await fingerprint(paths))
}

export function hashes(prints: Fingerprint): Sources {
  return new Map([...prints].map(([path, { hash }]) => [path, hash]))
}

/** Which folders the paths lead to: one that was deleted and made anew, or swapped by a link, is another one. */
export async function identities(paths: readonly string[]): Promise<string> {
  const found = await Promise.all(paths.map((path) => stat(path, { bigint: true }).catch(() => undefined)))
  return found.map((one) => (one?.isDirectory() ? `${one.dev}-${one.ino}-${one.birthtimeNs}` : '')).join()
}

/** What differs from before. */
export function changes(before: Sources, now: Fingerprint): Print[] {
  return [...now].flatMap(([path, print]) => (before.get(path) === print.hash ? [] : [print]))
}

async function printOf(path: string): Promise<Print> {
  const read = await readBytes(path, MAX_BYTES)
  const hash = await hashOf(path, read)
  return { hash, isWhole: 'bytes' in read ? isWhole(path, read.bytes) : read.code === 'is_folder' }
}

function isWhole(path: string, bytes: Uint8Array): boolean {
  if (bytes.length === 0) return false
  if (!/\.(?:ya?ml|json)$/.test(basename(path))) return true
  const source = sourceOf(path, Buffer.from(bytes).toString('utf8'), dirname(path))
  return parse(source).diagnostics.length === 0
}
