import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isLifeGoingOn, lifeOf } from './procfs.ts'

const PREFIX = 'starting.'

/**
 * Says in the state folder that this process is about to have a supervisor, until it is disposed: a `down` that comes
 * before there is anybody to ask waits for it. Where the folder takes no file, it does without.
 */
export function announceStart(folder: string): Disposable {
  const file = join(folder, `${PREFIX}${process.pid}`)
  attempt(() => writeFileSync(file, lifeOf(process.pid), { mode: 0o600 }))
  return { [Symbol.dispose]: () => attempt(() => rmSync(file, { force: true })) }
}

/** Whether somebody who said so is still at it; what others left behind when they were killed is removed. */
export function isStarting(folder: string): boolean {
  let found = false
  attempt(() => {
    const files = readdirSync(folder).filter((name) => name.startsWith(PREFIX))
    for (const file of files.map((name) => join(folder, name))) {
      if (isLifeGoingOn(readFileSync(file, 'utf8'))) found = true
      else rmSync(file, { force: true })
    }
  })
  return found
}

/** A folder that is read-only, full or gone in between keeps nobody from starting or ending anything. */
function attempt(step: () => void): void {
  try {
    step()
  } catch {
    // Then nobody is told, or nothing was said.
  }
}
