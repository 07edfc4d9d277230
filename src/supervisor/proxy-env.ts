import { codeCacheEnv } from '../shared/code-cache.ts'
import { MARKER } from '../shared/marker.ts'
import type { Env } from '../shared/paths.ts'

/** What a proxy, and the servers behind it, need of a person's environment to find programs and the network. */
const allowed = new Set([
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TERM', 'LANG', 'LANGUAGE', 'TMPDIR', 'TZ'],
  ...['XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_RUNTIME_DIR', 'XDG_STATE_HOME'],
  ...['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR'],
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'no_proxy', 'all_proxy'],
])

/** The environment a proxy is started with: an allow-list, never the whole, plus the marker the sweep looks for. */
export function proxyEnv(env: Env, owner: string): Record<string, string> {
  const taken = Object.entries(env).filter(([name, value]) => value !== undefined && isAllowed(name, value))
  return { ...Object.fromEntries(taken), ...codeCacheEnv(env), [MARKER]: owner }
}

/** What a supervisor of its own needs: profiles are resolved with what comes with each apply, secrets in it included. */
export function supervisorEnv(env: Env): Env {
  const taken = Object.entries(env).filter(([name, value]) => value !== undefined && isOfSupervisor(name, value))
  return { ...Object.fromEntries(taken), ...codeCacheEnv(env) }
}

function isOfSupervisor(name: string, value: string): boolean {
  if (isAllowed(name, value) || name === 'MCPCTL_HOME') return true
  return windows.has(name.toUpperCase()) || (name.startsWith('NODE_') && name !== 'NODE_CHANNEL_FD')
}

const windows = new Set([
  'SYSTEMROOT',
  'SYSTEMDRIVE',
  'USERPROFILE',
  'APPDATA',
  'LOCALAPPDATA',
  'TEMP',
  'TMP',
  'PATHEXT',
])

function isAllowed(name: string, value: string): boolean {
  // A value that begins like this is a function that some shells would run.
  return (allowed.has(name) || name.startsWith('LC_')) && !value.startsWith('()')
}
