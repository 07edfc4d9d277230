import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { isAlive } from './processes.ts'
import { openFolders, tempPrefix } from './temp.ts'

/**
 * Fails each test that leaves something behind: a process it started (a descendant of this worker, or one that has a temp
 * folder of this worker in its environment, such as what a supervisor started), a listening socket, a watched file or
 * a child process handle of this worker. What the file set up before its first test may stay until its last.
 */

/** What ends at once when its owner is done may take this long to be gone. */
const grace = 3_000

/** Handles of this worker that only end when somebody ends them. */
const owned = new Set(['TCPServerWrap', 'PipeServerWrap', 'FSEventWrap', 'StatWatcher', 'ProcessWrap', 'UDPWrap'])

interface Snapshot {
  /** All processes of the machine, by pid. */
  readonly everyone: ReadonlySet<number>
  readonly handles: readonly string[]
  /** The temp folders of the file: what lives in them may stay as long as they do. */
  readonly folders: ReadonlySet<string>
}

interface Leftover {
  readonly pid: number
  readonly command: string
  readonly folder: string | null
}

const snapshots: Snapshot[] = []
beforeAll(begin)
beforeEach(begin)
afterEach(check)
afterAll(check)

function begin(): void {
  snapshots.push({
    everyone: pids(),
    handles: handles(),
    folders: new Set([...openFolders].map((path) => basename(path))),
  })
}

async function check(): Promise<void> {
  const before = snapshots.pop()
  if (!before) return
  const deadline = performance.now() + grace
  let left = leftovers(before)
  while (left.length > 0 && performance.now() < deadline) {
    await delay(20)
    left = leftovers(before)
  }
  if (left.length > 0) throw new Error(`left behind: ${left.join(' · ')}`)
}

function leftovers(before: Snapshot): string[] {
  const strangers = ours(pids(), before.everyone).filter(({ folder }) => folder === null || !before.folders.has(folder))
  return [...strangers.map(({ pid, command }) => `process ${pid} ${command}`), ...surplus(handles(), before.handles)]
}

/** The handles beyond those there were. */
function surplus(now: readonly string[], before: readonly string[]): string[] {
  const known = [...before]
  return now.filter((handle) => {
    const index = known.indexOf(handle)
    if (index >= 0) known.splice(index, 1)
    return index < 0
  })
}

function handles(): string[] {
  return process.getActiveResourcesInfo().filter((handle) => owned.has(handle))
}

function pids(): Set<number> {
  return new Set(readdirSync('/proc').map(Number).filter(Number.isInteger))
}

/** The processes of this worker among those that are new. */
function ours(now: ReadonlySet<number>, known: ReadonlySet<number>): Leftover[] {
  return [...now].filter((pid) => !known.has(pid)).flatMap(leftover)
}

function leftover(pid: number): Leftover[] {
  try {
    const folder = folderIn(readFileSync(`/proc/${pid}/environ`, 'latin1'))
    if (folder === null && !isDescendant(pid)) return []
    if (!isAlive(pid)) return []
    return [{ pid, folder, command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() }]
  } catch {
    // Gone in between, or not ours to read.
    return []
  }
}

/** The temp folder of this worker that an environment names. */
function folderIn(environ: string): string | null {
  const start = environ.indexOf(tempPrefix)
  return start < 0 ? null : (environ.slice(start).split(/[\0/:]/, 1)[0] ?? null)
}

function isDescendant(pid: number): boolean {
  for (let parent = parentOf(pid); parent > 1; parent = parentOf(parent)) if (parent === process.pid) return true
  return false
}

function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}
