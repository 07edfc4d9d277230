import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { isAbsolute, resolve as resolvePath } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import spawn from 'cross-spawn'
import type { Server, StdioTransport } from '../../config/profile.ts'
import { LinkFailure } from './failure.ts'
import { shortcutOf } from './npx.ts'

/** A process with all three pipes, leader of its own group. */
export interface Program {
  readonly pid: number
  readonly process: ChildProcess
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
}

export interface ProgramOptions {
  readonly transport: StdioTransport
  readonly env: Readonly<Record<string, string>>
  /** Whether `npx` may be cut short. */
  readonly resolve: Server['resolve']
}

/** Starts the server's process. Rejects with LinkFailure when there is no such program or it may not be run. */
export async function startProgram({ transport, env, resolve }: ProgramOptions): Promise<Program> {
  const shortcut = resolve === 'auto' ? await shortcutOf(transport, env) : undefined
  const child = spawn(shortcut?.command ?? commandOf(transport), [...(shortcut?.args ?? transport.args)], {
    cwd: transport.cwd,
    env: shortcut ? { ...env, PATH: shortcut.path } : env,
    shell: false,
    // Its own process group: a terminal's Ctrl-C does not reach it, and all it starts can be stopped with it.
    detached: process.platform !== 'win32',
    windowsHide: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  try {
    await once(child, 'spawn')
  } catch (error) {
    throw spawnFailure(transport, error)
  }
  const { pid, stdin, stdout, stderr } = child
  if (pid === undefined || !stdin || !stdout || !stderr) throw new LinkFailure('hopeless', 'the process has no pipes')
  return { pid, process: child, stdin, stdout, stderr }
}

/** A relative path belongs to the server's folder; a bare name is looked up in its PATH. */
function commandOf({ command, cwd }: StdioTransport): string {
  const isPath = command.includes('/') || command.includes('\\')
  return isPath && !isAbsolute(command) ? resolvePath(cwd, command) : command
}

function spawnFailure({ command, cwd }: StdioTransport, cause: unknown): LinkFailure {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
  const reason = existsSync(cwd) ? code : `no folder ${cwd}`
  const hint = existsSync(cwd) ? (hints[code] ?? 'try the command in a shell') : 'correct "cwd"'
  return new LinkFailure('hopeless', `cannot start "${command}": ${reason}`, { hint, cause })
}

const hints: Readonly<Record<string, string>> = {
  ENOENT: 'install it, or write its full path in "command"',
  EACCES: 'make the file executable, or start it through its interpreter',
  ENOEXEC: 'start it through its interpreter',
}
