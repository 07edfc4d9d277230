import { LIFE, MARKER } from '../../shared/marker.ts'
import type { Env } from '../../shared/paths.ts'

/** What a stdio server may inherit: enough to find programs, a home, a locale and certificates, and nothing secret. */
const inherited = new Set([
  ...['HOME', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'USER', 'LANG', 'TMPDIR', 'TZ', 'NODE_EXTRA_CA_CERTS'],
  ...['APPDATA', 'HOMEDRIVE', 'HOMEPATH', 'LOCALAPPDATA', 'PROCESSOR_ARCHITECTURE', 'PROGRAMFILES', 'SYSTEMDRIVE'],
  ...['SYSTEMROOT', 'TEMP', 'TMP', 'USERNAME', 'USERPROFILE'],
])

/** Ours alone, also against a profile: a server must not be able to pass for a process of another project. */
const reserved = /^(MCPCTL_|NODE_CHANNEL_FD$)/i

export interface EnvironmentOptions {
  readonly env: Env
  readonly configured: Readonly<Record<string, string>>
  /** The absolute state folder: the marker by which leftover processes are found. */
  readonly owner: string
}

/** The environment of a stdio server: the allow-list, then what the profile says, then our marks. */
export function environment({ env, configured, owner }: EnvironmentOptions): Record<string, string> {
  const out: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && isInherited(name) && !isShellFunction(value)) out[name] = value
  }
  for (const [name, value] of Object.entries(configured)) {
    if (!reserved.test(name)) out[name] = value
  }
  out[MARKER] = owner
  const life = env[LIFE]
  if (life !== undefined) out[LIFE] = life
  return out
}

function isInherited(name: string): boolean {
  return inherited.has(name.toUpperCase()) || name.startsWith('LC_')
}

/** Old shells export functions as values that start with `()`, which some programs execute. */
function isShellFunction(value: string): boolean {
  return value.startsWith('()')
}
