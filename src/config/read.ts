import { constants } from 'node:fs'
import { type FileHandle, open, readdir } from 'node:fs/promises'
import { platform } from 'node:os'
import { type Problem, type Source, sourceOf } from './source.ts'

/** Far above any profile set, far below what a parser takes badly. */
export const MAX_BYTES = 1024 * 1024

export interface ReadFile {
  readonly source: Source
  readonly fingerprint: string
  /** Undefined when it could not be read. */
  readonly rights: Rights | undefined
  readonly problem: Problem | undefined
}

/** Reads a file of the profile set; never throws: what is wrong with it is its `problem`, and its text is empty. */
export async function readSource(path: string, cwd: string): Promise<ReadFile> {
  const read = await readBytes(path, MAX_BYTES)
  const fingerprint = await fingerprintOf(path, read)
  if (!('bytes' in read)) return { source: sourceOf(path, '', cwd), fingerprint, rights: undefined, problem: read }
  const { rights } = read
  const text = decode(read.bytes)
  if (typeof text !== 'string') return { source: sourceOf(path, '', cwd), fingerprint, rights, problem: text }
  return { source: sourceOf(path, text, cwd), fingerprint, rights, problem: undefined }
}

/** What was in a file, and who else could have written it. */
export interface Content {
  readonly bytes: Uint8Array
  /** Undefined where a system knows no such rights. */
  readonly rights: Rights | undefined
}

/** Whose something is, and the bits of who may do what with it. */
export interface Rights {
  readonly uid: number
  readonly gid: number
  readonly mode: number
}

/** Absolute paths, each with the fingerprint of what was there when it was read: what a watch compares with. */
export type Sources = ReadonlyMap<string, string>

/**
 * The content itself, which never lies and costs less than any hash, with who may change it; of a folder, the names of
 * its YAML files; what cannot be read has a fingerprint too, which says why.
 */
export async function fingerprintOf(path: string, read: Content | Problem): Promise<string> {
  if ('bytes' in read)
    return `=${Buffer.from(read.bytes).toString('latin1')}\0${Object.values({ ...read.rights }).join()}`
  return read.code === 'is_folder' ? `=${await yamlNames(path)}` : read.code
}

async function yamlNames(folder: string): Promise<string> {
  const names = await readdir(folder).catch(() => []) // Gone since: no files.
  return names
    .filter((name) => /\.ya?ml$/.test(name))
    .sort()
    .join('\n')
}

/**
 * The bytes of a regular file of at most `max` bytes, or what is wrong with it. Opening a FIFO or a device does not
 * block, and what is checked is what was opened.
 */
export async function readBytes(path: string, max: number): Promise<Content | Problem> {
  let file: FileHandle
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    return unreadable(error)
  }
  try {
    const found = await file.stat()
    if (found.isDirectory()) return { code: 'is_folder', message: 'is a directory, not a file' }
    if (!found.isFile()) return { code: 'not_a_file', message: 'is not a regular file' }
    if (found.size > max) return tooLarge(max)
    const bytes = await readUpTo(file, { max, expected: found.size })
    if (bytes === undefined) return tooLarge(max)
    const { uid, gid, mode } = found
    return { bytes, rights: platform() === 'win32' ? undefined : { uid, gid, mode: mode & 0o7777 } }
  } catch (error) {
    return unreadable(error)
  } finally {
    await file.close()
  }
}

/** The file may grow while it is read, so the limit is checked on what came. */
async function readUpTo(file: FileHandle, { max, expected }: Amount): Promise<Uint8Array | undefined> {
  let buffer = Buffer.allocUnsafeSlow(expected + 1)
  let length = 0
  while (length <= max) {
    if (length === buffer.length) buffer = Buffer.concat([buffer], Math.min(2 * length, max + 1))
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, length)
    if (bytesRead === 0) return buffer.subarray(0, length)
    length += bytesRead
  }
  return undefined
}

/** In bytes. */
interface Amount {
  readonly max: number
  readonly expected: number
}

function tooLarge(max: number): Problem {
  const limit = max >= 1024 * 1024 ? `${max / 1024 / 1024} MiB` : `${max / 1024} KiB`
  return { code: 'file_too_large', message: `is larger than ${limit}` }
}

function unreadable(error: unknown): Problem {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT' || code === 'ENOTDIR') return { code: 'file_missing', message: 'does not exist' }
  if (code === 'EACCES' || code === 'EPERM') return { code: 'file_unreadable', message: 'may not be read' }
  return { code: 'file_unreadable', message: `cannot be read: ${error instanceof Error ? error.message : error}` }
}

function decode(bytes: Uint8Array): string | Problem {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    // The strict decoder does not say where.
    return { code: 'not_utf8', message: `is not UTF-8: first bad byte at offset ${firstBadByte(bytes)}` }
  }
}

/** Where the lenient decoder put a replacement character that the bytes do not hold. */
function firstBadByte(bytes: Uint8Array): number {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  for (let at = text.indexOf('\ufffd'); at !== -1; at = text.indexOf('\ufffd', at + 1)) {
    const offset = Buffer.byteLength(text.slice(0, at))
    if (Buffer.from(bytes.subarray(offset, offset + 3)).toString('hex') !== 'efbfbd') return offset
  }
  return bytes.length
}
