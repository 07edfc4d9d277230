#!/usr/bin/env node
import manifest from '../package.json' with { type: 'json' }
import { codeCache } from '../src/shared/code-cache.ts'
import type { Signal, Surroundings } from './context.ts'
import { Outlet } from './outlet.ts'

const argv = process.argv.slice(2)

if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) process.stdout.write(`${manifest.version}\n`)
else void main()

/** Runs the command line in this process; the only place that reads its environment and ends it. */
async function main(): Promise<void> {
  const listeners: Listeners = new Set()
  exitOnSignals(listeners)
  const streams = standardStreams(listeners)
  useCodeCache()
  const { runProgram } = await import('./program.ts')
  const exit = await runProgram(argv, surroundings(streams, listeners))
  // A handle left open (a kept-alive socket, say) must not keep the answer waiting.
  streams.stdout.flush(() => process.exit(exit))
}

/** From here on this process finds what it loads compiled by an earlier one, where Node can do that (22.8). */
function useCodeCache(): void {
  const enable: unknown = Reflect.get(process.getBuiltinModule('node:module'), 'enableCompileCache')
  const folder = typeof enable === 'function' && codeCache(process.env)
  if (folder) enable(folder)
}

type Listeners = Set<(signal: Signal) => void>

function surroundings(streams: Pick<Surroundings, 'stdout' | 'stderr'>, listeners: Listeners): Surroundings {
  return {
    env: process.env,
    cwd: process.cwd(),
    version: manifest.version,
    execPath: process.execPath,
    ...streams,
    onSignal(listener) {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
  }
}

/** Exits as a shell would report it, 128 and the signal's number, unless a command takes signals itself. */
function exitOnSignals(listeners: Listeners): void {
  const exits = [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const satisfies readonly [Signal, number][]
  for (const [signal, exit] of exits) {
    process.on(signal, () => {
      if (listeners.size === 0) process.exit(exit)
      for (const listener of listeners) listener(signal)
    })
  }
}

/** `mcpctl logs | head` is no failure: the reader has seen enough. What a command still has to end, it ends. */
function standardStreams(listeners: Listeners) {
  let told = false
  const lost = () => {
    if (listeners.size === 0) process.exit(0)
    if (!told) for (const listener of listeners) listener('SIGTERM')
    told = true
  }
  return {
    stdout: new Outlet({ fd: 1, open: () => process.stdout, lost }),
    stderr: new Outlet({ fd: 2, open: () => process.stderr, lost }),
  }
}
