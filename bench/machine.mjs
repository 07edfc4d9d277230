import { cpus, release, totalmem, type } from 'node:os'

/** What a report has to say about where it was made. */
export function describeMachine() {
  const all = cpus()
  return {
    node: process.version,
    system: `${type()} ${release()}`,
    cpu: all[0]?.model ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  }
}
