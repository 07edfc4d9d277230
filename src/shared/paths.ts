import { createHash } from 'node:crypto'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'

/** The environment as a plain record: handed down, never read from `process` below the entry files. */
export type Env = Readonly<Record<string, string | undefined>>

/** Where one project keeps its state; every file in it is 0600, the folder 0700. */
export interface StatePaths {
  readonly folder: string
  /** Its binding is the lock: one supervisor per project. */
  readonly socket: string
  readonly logs: string
  /** The profile `mcpctl use` remembers. */
  readonly use: string
  /** The ports that `port: auto` groups were given, so that they stay. */
  readonly ports: string
  /** What was in force: the newest last good one, and those before it. */
  readonly generations: string
  /** The 32-byte key of the session ids, base64url: sessions outlive a supervisor too. */
  readonly key: string
  /** What stands behind the digests of `mcpctl.lock`, as far as it was locked here: for showing what changed. */
  readonly accepted: string
}

/**
 * The state folder of the project in `projectFolder`: `<folder name>-<hash of its real path>` under `$MCPCTL_HOME`,
 * `$XDG_STATE_HOME/mcpctl` or `~/.local/state/mcpctl`.
 */
export function statePaths(projectFolder: string, env: Env): StatePaths {
  const real = realpathSync(projectFolder)
  const hash = createHash('sha256').update(real).digest('hex').slice(0, 12)
  const folder = join(stateHome(real, env), `${basename(real) || 'root'}-${hash}`)
  return {
    folder,
    socket: socketPath(folder, env),
    logs: join(folder, 'logs'),
    use: join(folder, 'use'),
    ports: join(folder, 'ports.json'),
    generations: join(folder, 'generations'),
    key: join(folder, 'session.key'),
    accepted: join(folder, 'accepted.json'),
  }
}

/** Absolute, and the same wherever in the project a command is typed. */
function stateHome(projectFolder: string, env: Env): string {
  if (env.MCPCTL_HOME) return resolve(projectFolder, env.MCPCTL_HOME)
  if (env.XDG_STATE_HOME) return resolve(projectFolder, env.XDG_STATE_HOME, 'mcpctl')
  return resolve(projectFolder, env.HOME || env.USERPROFILE || userInfo().homedir, '.local', 'state', 'mcpctl')
}

/**
 * A Unix socket's path may have about 100 bytes (sun_path). A longer one moves into a folder of the user's own under
 * the runtime or temp folder; who binds it creates that folder 0700 and refuses one that belongs to somebody else.
 */
function socketPath(folder: string, env: Env): string {
  const path = join(folder, 'control.sock')
  if (Buffer.byteLength(path) <= 100) return path
  const hash = createHash('sha256').update(folder).digest('hex').slice(0, 16)
  return join(env.XDG_RUNTIME_DIR ?? env.TMPDIR ?? tmpdir(), `mcpctl-${userInfo().uid}`, `${hash}.sock`)
}

/** The folder of this package, wherever the bundler put the code: the nearest one above with our package.json. */
export function packageFolder(): string {
  let folder = dirname(import.meta.filename)
  while (!isOurs(join(folder, 'package.json'))) {
    const parent = dirname(folder)
    if (parent === folder) throw new Error('the package folder of mcpctl was not found')
    folder = parent
  }
  return folder
}

function isOurs(manifest: string): boolean {
  return existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name === 'mcpctl'
}

/** The bundled entry of a process mcpctl starts. */
export function entryFile(name: 'cli' | 'supervisor' | 'proxy' | 'sorry'): string {
  return join(packageFolder(), 'dist', `${name}.js`)
}
