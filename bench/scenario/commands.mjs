import { spawnSync } from 'node:child_process'
import { delimiter, dirname } from 'node:path'
import { ticksOf } from '../usage.mjs'

const TICK_MS = 10

/** The environment in which `node` is this very Node, for programs that are started by their first line. */
export const sameNode = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` }

/**
 * Runs commands, `{NAME: {file, args, cwd, env}}`, in turns, `runs` times each: `{NAME: {wall, cpu}}`, wall time of each run
 * in milliseconds, and the mean CPU time (user and system) of one. Throws when one of them fails.
 */
export function interleave(commands, runs) {
  const results = Object.fromEntries(Object.keys(commands).map((name) => [name, { wall: [], ticks: 0 }]))
  for (let i = 0; i < runs; i++)
    for (const [name, command] of Object.entries(commands)) add(results[name], once(command))
  return Object.fromEntries(
    Object.entries(results).map(([name, { wall, ticks }]) => [name, { wall, cpu: (ticks * TICK_MS) / runs }]),
  )
}

function add(result, { wall, ticks }) {
  result.wall.push(wall)
  result.ticks += ticks
}

/** A dead child's CPU time is its parent's; nothing else may end meanwhile, and this thread waits. */
function once({ file, args, cwd, env = sameNode }) {
  const before = ticksOf(process.pid)
  const start = performance.now()
  const { status, stderr, error } = spawnSync(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const wall = performance.now() - start
  const after = ticksOf(process.pid)
  if (status !== 0) throw new Error(`${file} ${args.join(' ')} exited with ${status}: ${error ?? stderr}`)
  return { wall, ticks: after.all - after.own - (before.all - before.own) }
}
