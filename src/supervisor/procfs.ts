import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** What /proc tells about processes; on systems without it the lists are empty and only signals can be asked. */
export interface ProcessFacts {
  readonly pid: number
  readonly parent: number
  /** The process group. */
  readonly group: number
  /** One letter, as `ps` shows it. */
  readonly state: string
  readonly zombie: boolean
  /** Clock ticks since boot: together with the pid it names one life of a process. */
  readonly startedAt: string
}

export function allPids(): readonly number[] {
  return entries('/proc').map(Number).filter(Number.isInteger)
}

export function factsOf(pid: number): ProcessFacts | undefined {
  const stat = text(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  // The second field is the command's name in parentheses and may contain anything, parentheses too.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state = '', parent, group] = fields
  const startedAt = fields[19] ?? ''
  const zombie = state === 'Z' || state === 'X'
  return { pid, parent: Number(parent), group: Number(group), state, zombie, startedAt }
}

/** The value of a variable in the environment the process was started with; undefined also when it is not readable. */
export function variableOf(pid: number, name: string): string | undefined {
  const environment = text(`/proc/${pid}/environ`)?.split('\0') ?? []
  return environment.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1)
}

/** Whether the process runs: a zombie, which a PID 1 that does not reap may keep for ever, does not. */
export function isAlive(pid: number): boolean {
  return isSignalable(pid) && factsOf(pid)?.zombie !== true
}

/** One life of a process: a pid alone may be somebody else's by now. */
export function lifeOf(pid: number): string {
  return `${pid} ${factsOf(pid)?.startedAt ?? ''}`
}

/** Whether the process of a `lifeOf` still runs. */
export function isLifeGoingOn(life: string): boolean {
  const pid = Number(life.split(' ')[0])
  return pid > 0 && isAlive(pid) && lifeOf(pid) === life
}

/** Whether a process of the group runs. Without /proc a zombie counts until it is reaped. */
export function isGroupAlive(group: number): boolean {
  if (!isSignalable(-group)) return false
  const members = allPids().flatMap((pid) => factsOf(pid) ?? [])
  return members.length === 0 || members.some((member) => member.group === group && !member.zombie)
}

/** What of the process is in memory; undefined where that is not readable. */
export function residentBytes(pid: number): number | undefined {
  const kilobytes = /^VmRSS:\s*(\d+) kB$/m.exec(text(`/proc/${pid}/status`) ?? '')?.[1]
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
}

/** What a process that gives no sign of life does instead, for people; empty where that is not known. */
export function plightOf(pid: number): string {
  const state = factsOf(pid)?.state
  if (state === 'T' || state === 't') return ' (it is stopped)'
  if (state === 'R') return ' (it is busy)'
  return ''
}

/** Sends the signal and says whether there was somebody to receive it. A negative pid means the group. */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    // Gone in the meantime, or not ours any more: either way there is nobody to end.
    return false
  }
}

/** The file descriptors of the process as link targets, e.g. `socket:[1234]`; empty where they are not readable. */
export function descriptorsOf(pid: number): readonly string[] {
  return entries(`/proc/${pid}/fd`).map((fd) => link(`/proc/${pid}/fd/${fd}`))
}

function isSignalable(pid: number): boolean {
  return signal(pid, 0)
}

export function text(path: string): string | undefined {
  return readable(() => readFileSync(path, 'utf8'))
}

function entries(path: string): readonly string[] {
  return readable(() => readdirSync(path)) ?? []
}

function link(path: string): string {
  return readable(() => readlinkSync(path)) ?? ''
}

/** Processes come and go, and other users' are closed to us: what cannot be read is not known, and no failure. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
