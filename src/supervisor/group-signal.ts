import { pause } from '../shared/async.ts'
import { isGroupAlive, signal } from './procfs.ts'

/** Signals a process group; resolves when nobody of it is left or the time is over, with whether there was somebody. */
export async function signalGroup(group: number, name: NodeJS.Signals, ms: number): Promise<boolean> {
  if (group === 0 || !isGroupAlive(group)) return false
  signal(-group, name)
  // A stopped process receives its signal only when it continues.
  signal(-group, 'SIGCONT')
  const deadline = performance.now() + ms
  while (isGroupAlive(group) && performance.now() < deadline) await pause(20)
  return true
}
