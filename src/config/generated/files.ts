// Generated from schemas/ by `npm run generate`. Do not edit.

/**
 * More files of the profile set, as globs relative to this file. In the base file the default is `profiles/*.yaml` and `*.yml`.
 */
export type Include = string | string[] | null
/**
 * For every group and every server; a group, a server and the entry in a group's list override it, in this order.
 */
export type Defaults = {
  host?: string | number | boolean | null
  auth?: Auth
  allowedHosts?: AllowedHosts
  allowedOrigins?: AllowedOrigins
  limits?: Limits
  cache?: GroupCache
  /**
   * Of a server with a `url`. Without it: Streamable HTTP, falling back to SSE.
   */
  transport?: ('http' | 'sse' | null) | string
  enabled?: boolean | string | null
  required?: boolean | string | null
  prefix?: string | number | boolean | null
  tools?: Filter
  resources?: Filter
  prompts?: Filter
  timeouts?: Timeouts
  /**
   * The protocol era spoken to the server: `legacy` up to 2025-11-25, `modern` from 2026-07-28; `auto` finds out.
   */
  protocol?: ('auto' | 'legacy' | 'modern' | null) | string
  /**
   * `shared`: one session to the server for all clients; `per-client`: one for each; `auto`: shared, but a client that declares roots gets its own over HTTP.
   */
  session?: ('auto' | 'shared' | 'per-client' | null) | string
  /**
   * `auto`: what `npx` would run without asking the registry (a package installed in the project, or an exact version in its cache) is run at once, which saves a second and a process; `npx`: always through npx.
   */
  resolve?: ('auto' | 'npx' | null) | string
  restart?: Restart
  retry?: Retry
  stateful?: boolean | string | null
  exclusive?: boolean | string | null
  /**
   * What happens when a tool is not as `mcpctl.lock` says: `warn` tells, `enforce` blocks that tool, `off` does not look. Without a lock file nothing is compared.
   */
  integrity?: ('off' | 'warn' | 'enforce' | null) | string
  /**
   * A tool that `mcpctl.lock` does not know: `allow` shows it, `warn` tells too, `block` hides it. `auto`: `block` where integrity is `enforce`, else `warn`.
   */
  onNew?: ('auto' | 'allow' | 'warn' | 'block' | null) | string
  forwardHeaders?: ForwardHeaders
} | null
/**
 * Who may connect to the group's port. A host that is not loopback needs it.
 */
export type Auth = {
  /**
   * `bearer`: clients send `Authorization: Bearer TOKEN`. `jwt`: the token is a JWT of an authorization server. `none`: anybody who reaches the port.
   */
  type?: ('bearer' | 'jwt' | 'none' | null) | string
  /**
   * Of `bearer`: the accepted tokens by name, as a list, or as one text with a token per line or comma. At least 22 random characters each; keep them in `secrets`, or write `sha256:` and the digest in hex instead of the token.
   */
  tokens?:
    | string
    | number
    | boolean
    | (string | number | boolean | null)[]
    | {
        [k: string]: string | number | boolean | null
      }
    | null
  issuer?: string | number | boolean | null
  jwks?: string | number | boolean | null
  audience?: TextOrTexts
  resource?: string | number | boolean | null
  scopes?: Args
} | null
export type TextOrTexts = string | number | boolean | (string | number | boolean | null)[] | null
export type Args = (string | number | boolean | null)[] | null
export type AllowedHosts = (string | number | boolean | null)[] | null
export type AllowedOrigins = (string | number | boolean | null)[] | null
/**
 * What one group's port accepts.
 */
export type Limits = {
  /**
   * A number with a unit: `B`, `KB`, `MB`, `GB`, `KiB`, `MiB`, `GiB`, all in steps of 1024.
   */
  maxBody?: string | null
  maxSessions?: number | string | null
  maxStreams?: number | string | null
  maxInFlight?: number | string | null
  maxRate?: number | string | null
  /**
   * A number with a unit: `B`, `KB`, `MB`, `GB`, `KiB`, `MiB`, `GiB`, all in steps of 1024.
   */
  memory?: string | null
} | null
/**
 * How lists of tools, resources and prompts are kept.
 */
export type GroupCache = {
  /**
   * `swr` serves the list it has and revalidates behind; `strict` asks first; `notify` asks only after the server said that it changed.
   */
  mode?: ('swr' | 'strict' | 'notify' | null) | string
  persist?: boolean | string | null
  /**
   * A number with a unit, or several: `ms`, `s`, `m`, `h`, `d`.
   */
  listWait?: string | null
} | null
/**
 * Which items are visible. Globs match the server's own bare names, before the prefix.
 */
export type Filter = {
  allow?: Args
  deny?: Args
  rename?: Headers
  /**
   * Fields of the listed item to replace, by own name.
   */
  override?: {
    [k: string]: {} | null
  } | null
} | null
export type Headers = {
  [k: string]: string | number | boolean | null
} | null
/**
 * How long each step may take.
 */
export type Timeouts = {
  /**
   * A number with a unit, or several: `ms`, `s`, `m`, `h`, `d`.
   */
  connect?: string | null
  /**
   * A duration, or `off` for no limit.
   */
  request?: string | null
  /**
   * A duration, or `off` for no limit.
   */
  max?: string | null
  /**
   * A number with a unit, or several: `ms`, `s`, `m`, `h`, `d`.
   */
  idle?: string | null
} | null
/**
 * What happens after a server's process ended or its connection broke.
 */
export type Restart = {
  /**
   * `always` starts or connects anew, `never` leaves it failed.
   */
  policy?: ('always' | 'never' | null) | string
  /**
   * A number with a unit, or several: `ms`, `s`, `m`, `h`, `d`.
   */
  backoff?: string | null
  /**
   * A number with a unit, or several: `ms`, `s`, `m`, `h`, `d`.
   */
  maxBackoff?: string | null
} | null
/**
 * For what is safe to repeat: lists, reads, prompts, completion. A tool call is never repeated.
 */
export type Retry = {
  attempts?: number | string | null
  /**
   * A number with a unit, or several: `ms`, `s`, `m`, `h`, `d`.
   */
  backoff?: string | null
} | null
export type ForwardHeaders = (string | number | boolean | null)[] | null
/**
 * What exists, by name; groups choose from it.
 */
export type Servers = {
  [k: string]: Server
} | null
/**
 * An MCP server: `command` (stdio) or `url` (remote).
 */
export type Server = {
  command?: string | number | boolean | null
  args?: Args
  env?: Headers
  cwd?: string | number | boolean | null
  url?: string | number | boolean | null
  headers?: Headers
  /**
   * Of a server with a `url`. Without it: Streamable HTTP, falling back to SSE.
   */
  transport?: ('http' | 'sse' | null) | string
  enabled?: boolean | string | null
  required?: boolean | string | null
  prefix?: string | number | boolean | null
  tools?: Filter
  resources?: Filter
  prompts?: Filter
  timeouts?: Timeouts
  /**
   * The protocol era spoken to the server: `legacy` up to 2025-11-25, `modern` from 2026-07-28; `auto` finds out.
   */
  protocol?: ('auto' | 'legacy' | 'modern' | null) | string
  /**
   * `shared`: one session to the server for all clients; `per-client`: one for each; `auto`: shared, but a client that declares roots gets its own over HTTP.
   */
  session?: ('auto' | 'shared' | 'per-client' | null) | string
  /**
   * `auto`: what `npx` would run without asking the registry (a package installed in the project, or an exact version in its cache) is run at once, which saves a second and a process; `npx`: always through npx.
   */
  resolve?: ('auto' | 'npx' | null) | string
  restart?: Restart
  retry?: Retry
  cache?: Cache
  stateful?: boolean | string | null
  exclusive?: boolean | string | null
  /**
   * What happens when a tool is not as `mcpctl.lock` says: `warn` tells, `enforce` blocks that tool, `off` does not look. Without a lock file nothing is compared.
   */
  integrity?: ('off' | 'warn' | 'enforce' | null) | string
  /**
   * A tool that `mcpctl.lock` does not know: `allow` shows it, `warn` tells too, `block` hides it. `auto`: `block` where integrity is `enforce`, else `warn`.
   */
  onNew?: ('auto' | 'allow' | 'warn' | 'block' | null) | string
  forwardHeaders?: ForwardHeaders
} | null
/**
 * How lists of tools, resources and prompts are kept.
 */
export type Cache = {
  /**
   * `swr` serves the list it has and revalidates behind; `strict` asks first; `notify` asks only after the server said that it changed.
   */
  mode?: ('swr' | 'strict' | 'notify' | null) | string
  persist?: boolean | string | null
} | null
/**
 * Sources of secret values, by the name used in `${secret:NAME}`.
 */
export type Secrets = {
  [k: string]: Secret
} | null
/**
 * Where a secret value comes from: exactly one of `env`, `file`, `command`. Read only if `${secret:NAME}` is used.
 */
export type Secret = {
  env?: string | number | boolean | null
  file?: string | number | boolean | null
  command?: TextOrTexts
} | null
/**
 * One named selection of groups, written inside the base file.
 */
export type Profile = {
  /**
   * What the profile is for, shown by `mcpctl profiles`.
   */
  description?: string | null
  extends?: Extends
  match?: Match
  /**
   * The profile when nothing else chooses one.
   */
  default?: boolean | null
  envFile?: EnvFile
  defaults?: Defaults
  servers?: Servers
  secrets?: Secrets
  groups?: Groups
} | null
/**
 * Profiles to inherit from, left to right. Maps merge deep, scalars and lists replace, `null` deletes. `profile`, `description`, `match` and `default` are never inherited.
 */
export type Extends = string | string[] | null
/**
 * When the environment means this profile.
 */
export type Match = {
  /**
   * Values of $ENV, $NODE_ENV or $APP_ENV that mean this profile, in any case.
   */
  env?: string | string[] | null
} | null
/**
 * Files of `NAME=value` lines, relative to the project folder (or else to this file); a later one wins over an earlier one, the environment over all.
 */
export type EnvFile =
  | string
  | {
      /**
       * Relative to the project folder, or else to this file.
       */
      path: string
      /**
       * `false`: the file may be missing.
       */
      required?: boolean
    }
  | EnvFile1[]
  | null
/**
 * A path, or a path with `required: false` when the file may be missing.
 */
export type EnvFile1 =
  | string
  | {
      /**
       * Relative to the project folder, or else to this file.
       */
      path: string
      /**
       * `false`: the file may be missing.
       */
      required?: boolean
    }
/**
 * The groups of the profile, by name.
 */
export type Groups = {
  [k: string]: Group
} | null
/**
 * Servers behind one port, served by one proxy. What stands here beside `port`, `host`, `servers`, `auth` and `limits` is a default for its servers.
 */
export type Group = {
  /**
   * `auto` takes the first free port from 7611 up and keeps it for this group.
   */
  port?: number | string | null
  host?: string | number | boolean | null
  /**
   * Which servers of the catalogue, in the order of the merged lists.
   */
  servers?: ServerEntry[] | null
  auth?: Auth
  allowedHosts?: AllowedHosts
  allowedOrigins?: AllowedOrigins
  limits?: Limits
  cache?: GroupCache
  /**
   * Of a server with a `url`. Without it: Streamable HTTP, falling back to SSE.
   */
  transport?: ('http' | 'sse' | null) | string
  enabled?: boolean | string | null
  required?: boolean | string | null
  prefix?: string | number | boolean | null
  tools?: Filter
  resources?: Filter
  prompts?: Filter
  timeouts?: Timeouts
  /**
   * The protocol era spoken to the server: `legacy` up to 2025-11-25, `modern` from 2026-07-28; `auto` finds out.
   */
  protocol?: ('auto' | 'legacy' | 'modern' | null) | string
  /**
   * `shared`: one session to the server for all clients; `per-client`: one for each; `auto`: shared, but a client that declares roots gets its own over HTTP.
   */
  session?: ('auto' | 'shared' | 'per-client' | null) | string
  /**
   * `auto`: what `npx` would run without asking the registry (a package installed in the project, or an exact version in its cache) is run at once, which saves a second and a process; `npx`: always through npx.
   */
  resolve?: ('auto' | 'npx' | null) | string
  restart?: Restart
  retry?: Retry
  stateful?: boolean | string | null
  exclusive?: boolean | string | null
  /**
   * What happens when a tool is not as `mcpctl.lock` says: `warn` tells, `enforce` blocks that tool, `off` does not look. Without a lock file nothing is compared.
   */
  integrity?: ('off' | 'warn' | 'enforce' | null) | string
  /**
   * A tool that `mcpctl.lock` does not know: `allow` shows it, `warn` tells too, `block` hides it. `auto`: `block` where integrity is `enforce`, else `warn`.
   */
  onNew?: ('auto' | 'allow' | 'warn' | 'block' | null) | string
  forwardHeaders?: ForwardHeaders
} | null
/**
 * A server of the catalogue by name, alone or with what differs in this group.
 */
export type ServerEntry =
  | string
  | {
      /**
       * The server's name under `servers`.
       */
      ref: string
      command?: string | number | boolean | null
      args?: Args
      env?: Headers
      cwd?: string | number | boolean | null
      url?: string | number | boolean | null
      headers?: Headers
      /**
       * Of a server with a `url`. Without it: Streamable HTTP, falling back to SSE.
       */
      transport?: ('http' | 'sse' | null) | string
      enabled?: boolean | string | null
      required?: boolean | string | null
      prefix?: string | number | boolean | null
      tools?: Filter
      resources?: Filter
      prompts?: Filter
      timeouts?: Timeouts
      /**
       * The protocol era spoken to the server: `legacy` up to 2025-11-25, `modern` from 2026-07-28; `auto` finds out.
       */
      protocol?: ('auto' | 'legacy' | 'modern' | null) | string
      /**
       * `shared`: one session to the server for all clients; `per-client`: one for each; `auto`: shared, but a client that declares roots gets its own over HTTP.
       */
      session?: ('auto' | 'shared' | 'per-client' | null) | string
      /**
       * `auto`: what `npx` would run without asking the registry (a package installed in the project, or an exact version in its cache) is run at once, which saves a second and a process; `npx`: always through npx.
       */
      resolve?: ('auto' | 'npx' | null) | string
      restart?: Restart
      retry?: Retry
      cache?: Cache
      stateful?: boolean | string | null
      exclusive?: boolean | string | null
      /**
       * What happens when a tool is not as `mcpctl.lock` says: `warn` tells, `enforce` blocks that tool, `off` does not look. Without a lock file nothing is compared.
       */
      integrity?: ('off' | 'warn' | 'enforce' | null) | string
      /**
       * A tool that `mcpctl.lock` does not know: `allow` shows it, `warn` tells too, `block` hides it. `auto`: `block` where integrity is `enforce`, else `warn`.
       */
      onNew?: ('auto' | 'allow' | 'warn' | 'block' | null) | string
      forwardHeaders?: ForwardHeaders
    }

export interface WrittenFiles {
  base: McpctlBaseFile
  profile: McpctlProfileFile
}
/**
 * What the profiles of a project share: mcpctl.yaml.
 */
export interface McpctlBaseFile {
  /**
   * Version of this format.
   */
  version?: 1
  /**
   * Labels logs and metrics. Default: the name of the project folder.
   */
  name?: string
  include?: Include
  defaults?: Defaults
  servers?: Servers
  secrets?: Secrets
  /**
   * Profiles by name, instead of (or beside) one file for each in `profiles/`.
   */
  profiles?: {
    [k: string]: Profile
  } | null
}
/**
 * One named selection of groups, chosen by `mcpctl up NAME` or the environment: profiles/NAME.yaml.
 */
export interface McpctlProfileFile {
  /**
   * Version of this format.
   */
  version?: 1
  /**
   * Labels logs and metrics. Default: the name of the project folder.
   */
  name?: string
  include?: Include
  /**
   * Letters, digits, `.`, `_` and `-`, starting with a letter or a digit, at most 64 characters; not a device name of Windows.
   */
  profile?: string
  /**
   * What the profile is for, shown by `mcpctl profiles`.
   */
  description?: string | null
  extends?: Extends
  match?: Match
  /**
   * The profile when nothing else chooses one.
   */
  default?: boolean | null
  envFile?: EnvFile
  defaults?: Defaults
  servers?: Servers
  secrets?: Secrets
  groups?: Groups
}
