import { execa } from 'execa'
import { entryFile } from '../../src/shared/paths.ts'

export interface CliOptions {
  readonly cwd: string
  /** Added to a minimal environment: nothing of the machine's leaks into a test. */
  readonly env?: Readonly<Record<string, string>>
}

/** Starts the built bin in `cwd` with its state under `cwd/.state`; the caller ends it or awaits it. */
export function startCli(args: readonly string[], { cwd, env }: CliOptions) {
  return execa(process.execPath, [entryFile('cli'), ...args], {
    reject: false,
    cwd,
    extendEnv: false,
    env: { PATH: process.env.PATH, HOME: cwd, MCPCTL_HOME: `${cwd}/.state`, ...env },
  })
}

/** Runs the built bin to its end. */
export async function cli(args: readonly string[], options: CliOptions) {
  const { exitCode, stdout, stderr, signal } = await startCli(args, options)
  return { exitCode, stdout, stderr, signal }
}
