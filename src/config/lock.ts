import { join } from 'node:path'
import type { Diagnostic } from '../shared/diagnostic.ts'
import type { Env } from '../shared/paths.ts'
import { LOCK_FILE, type Lock, lockIn, lockText, Misfit } from './lock-data.ts'
import { parse } from './parse.ts'
import { readSource, type Sources } from './read.ts'
import { diagnose, type Place, type Source, unframed, wholeFile } from './source.ts'
import { type Entry, type MapNode, type Node, toData } from './tree.ts'
import { Trust } from './trust.ts'

export interface ReadLock {
  /** Undefined when there is none, or when it is broken. */
  readonly lock: Lock | undefined
  readonly diagnostics: readonly Diagnostic[]
  /** The file, whether it is there or not: it may come. */
  readonly sources: Sources
}

interface Reader {
  readonly cwd: string
  readonly env: Env
}

/** Reads `mcpctl.lock` of a project. Never throws: what is wrong with it is in `diagnostics`. */
export async function readLock(folder: string, { cwd, env }: Reader): Promise<ReadLock> {
  const path = join(folder, LOCK_FILE)
  const { source, fingerprint, rights, problem } = await readSource(path, cwd)
  const sources = new Map([[path, fingerprint]])
  if (problem?.code === 'file_missing') return { lock: undefined, diagnostics: [], sources }
  if (problem) {
    const message = `${source.shown} ${problem.message}`
    return { lock: undefined, diagnostics: [diagnose(wholeFile(source), { ...problem, message })], sources }
  }
  const distrust = await new Trust(env, folder).problemOf({ path, shown: source.shown, rights })
  const { lock, diagnostics } = parsed(source)
  return { lock, diagnostics: distrust ? [unframed(source, distrust), ...diagnostics] : diagnostics, sources }
}

/** What mcpctl wrote is plain JSON. Anything else is read with the parser that knows where things stand. */
function parsed(source: Source): Pick<ReadLock, 'lock' | 'diagnostics'> {
  const lock = written(source.text)
  if (lock) return { lock, diagnostics: [] }
  const conflict = /^(?:<{7}|={7}|>{7})(?: |$)/m.exec(source.text)
  if (conflict) return { lock: undefined, diagnostics: [unmerged(source, conflict.index)] }
  const { root, diagnostics } = parse(source)
  if (root === undefined || diagnostics.length > 0) return { lock: undefined, diagnostics }
  try {
    return { lock: lockIn(toData(root)), diagnostics: [] }
  } catch (error) {
    if (!(error instanceof Misfit)) throw error
    return { lock: undefined, diagnostics: [misfitting(root, error)] }
  }
}

/** Undefined for what has to be looked at more closely, were it only that a key stands there twice. */
function written(text: string): Lock | undefined {
  try {
    const lock = lockIn(JSON.parse(text))
    return lockText(lock) === text ? lock : undefined
  } catch {
    // Not as it was written: the other parser says where.
    return undefined
  }
}

function unmerged(source: Source, start: number): Diagnostic {
  const hint = 'take one side of it, and run mcpctl lock'
  return diagnose(
    { source, start, end: start + 7 },
    { code: 'unmerged', message: 'a merge is not finished here', hint },
  )
}

function misfitting(root: MapNode, { path, message }: Misfit): Diagnostic {
  const hint = `delete ${LOCK_FILE} and run mcpctl lock to write it anew`
  return diagnose(placeOf(root, path), { code: 'bad_lock', message, hint })
}

/** Of the deepest part of the path that is there. */
function placeOf(root: MapNode, path: readonly string[]): Place {
  let node: Node = root
  let place: Place = { ...root.at, end: root.at.start }
  for (const name of path) {
    const entry: Entry | undefined = node.kind === 'map' ? node.entries.get(name) : undefined
    if (!entry) break
    node = entry.value
    place = entry.key
  }
  return place
}
