#!/usr/bin/env node
import manifest from '../package.json' with { type: 'json' }
import type { Surroundings } from './context.ts'

const argv = process.argv.slice(2)

if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) process.stdout.write(`${manifest.version}\n`)
else await main()

/** Runs the command line in this process; the only place that reads its environment and ends it. */
async function main(): Promise<void> {
  endQuietlyWhenNobodyReads()
  const { runProgram } = await import('./program.ts')
  const exit = await runProgram(argv, surroundings(), manifest.version)
  // A handle left open (a kept-alive socket, say) must not keep the answer waiting.
  process.stdout.write('', () => process.exit(exit))
}

function surroundings(): Surroundings {
  const listeners = new Set<() => void>()
  for (const [signal, exit] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 143],
  ] as const) {
    process.on(signal, () => {
      if (listeners.size === 0) process.exit(exit)
      for (const listener of listeners) listener()
    })
  }
  return {
    env: process.env,
    cwd: process.cwd(),
    execPath: process.execPath,
    stdout: process.stdout,
    stderr: process.stderr,
    onInterrupt(listener) {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
  }
}

/** `mcpctl logs | head` is no failure: the reader has seen enough. */
function endQuietlyWhenNobodyReads(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  }
}
