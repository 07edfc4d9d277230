import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { parse } from './parse.ts'
import { readBytes } from './read.ts'
import { sourceOf } from './source.ts'

/** The content of files (for folders: the names of their YAML files) as far as needed to tell whether it changed. */
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

/** What differs from before. */
export function changes(before: Fingerprint, now: Fingerprint): Print[] {
  return [...now].flatMap(([path, print]) => (before.get(path)?.hash === print.hash ? [] : [print]))
}

async function printOf(path: string): Promise<Print> {
  const read = await readBytes(path, MAX_BYTES)
  if ('bytes' in read) return { hash: hash(read.bytes), isWhole: isWhole(path, read.bytes) }
  if (read.message.startsWith('is a directory'))
    return { hash: hash((await yamlFiles(path)).join('\n')), isWhole: true }
  return { hash: read.code, isWhole: false }
}

async function yamlFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []) // Gone since: no files.
  return names.filter((name) => /\.ya?ml$/.test(name)).sort()
}

function hash(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

function isWhole(path: string, bytes: Uint8Array): boolean {
  if (bytes.length === 0) return false
  if (!/\.(?:ya?ml|json)$/.test(basename(path))) return true
  const source = sourceOf(path, Buffer.from(bytes).toString('utf8'), dirname(path))
  return parse(source).diagnostics.length === 0
}
