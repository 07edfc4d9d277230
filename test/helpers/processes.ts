import { readdirSync, readFileSync } from 'node:fs'

export interface Marked {
  readonly pid: number
  readonly command: string
}

/** Living processes (zombies do not count) whose environment carries `MCPCTL_OWNER` below `folder`. */
export function markedProcesses(folder: string): Marked[] {
  return processesWith(`MCPCTL_OWNER=${folder}`)
}

/** Living processes with an entry in their environment that begins with `entry`. */
export function processesWith(entry: string): Marked[] {
  const found: Marked[] = []
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid) continue
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8')
      if (!environment.includes(`\0${entry}`) && !environment.startsWith(entry)) continue
      if (isZombie(pid)) continue
      found.push({ pid, command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() })
    } catch {
      // Gone in between, or not ours to read.
    }
  }
  return found
}

/** Whether the process lives; a zombie does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !isZombie(pid)
  } catch {
    return false
  }
}

function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')
  } catch {
    return false
  }
}
