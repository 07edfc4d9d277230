/**
 * A profile as resolved: nothing optional, no default left to apply, no `${…}` left to read, frozen. Durations are
 * milliseconds, sizes bytes. `resolve.ts` makes it from the files as written; every other floor only reads it.
 */
export interface Profile {
  /** `name:` of the profile set, else the project folder's name: a label for logs and metrics. */
  readonly project: string
  /** The project folder, absolute: relative commands, `cwd` and files are relative to it. */
  readonly folder: string
  readonly name: string
  readonly description: string
  /** In the order of the file. */
  readonly groups: readonly Group[]
  /** Every resolved secret value, for redaction by value wherever text leaves a process. */
  readonly secrets: readonly string[]
}

export interface Group {
  readonly name: string
  readonly host: string
  /** `auto`: the supervisor picks one from 7611 up and keeps it for this group. */
  readonly port: number | 'auto'
  /** In the order of the group's list: the order of merged lists. */
  readonly servers: readonly Server[]
  readonly auth: Auth
  /** Beside loopback and the bind address; names without a port, in lower case. */
  readonly allowedHosts: readonly string[]
  /** Beside those of loopback; exact origins. */
  readonly allowedOrigins: readonly string[]
  readonly limits: Limits
  /** How long a first-ever list waits for servers that have not answered yet. */
  readonly listWait: number
}

export type Auth = { readonly type: 'none' } | BearerAuth | JwtAuth

export interface BearerAuth {
  readonly type: 'bearer'
  readonly tokens: readonly Token[]
}

/** A token that is accepted: never the token itself, so that nobody can lose it. */
interface Token {
  /** Who has it: for logs and limits. */
  readonly name: string
  /** Its SHA-256, in hex. */
  readonly digest: string
}

/** Tokens of an authorization server (RFC 9068, RFC 8707), verified with the keys it publishes. */
export interface JwtAuth {
  readonly type: 'jwt'
  readonly issuer: string
  readonly jwks: string
  /** Empty: the resource. */
  readonly audience: readonly string[]
  /** Empty: where the group listens. */
  readonly resource: string
  /** All of them are needed. */
  readonly scopes: readonly string[]
}

export interface Limits {
  /** Bytes of one request body. */
  readonly maxBody: number
  /** Downstream sessions of the group. */
  readonly maxSessions: number
  /** Standing streams of one session. */
  readonly maxStreams: number
  /** Unanswered requests of one session. */
  readonly maxInFlight: number
  /** Requests a second of one token; bursts may have ten times as many. */
  readonly maxRate: number
  /** Bytes of resident memory of the proxy. */
  readonly memory: number
}

/** An MCP server the proxy is a client of: `servers.NAME` merged with defaults, group and the entry in the list. */
export interface Server {
  readonly name: string
  readonly transport: Transport
  readonly enabled: boolean
  /** The group is not ready without it. */
  readonly required: boolean
  /** In front of every tool and prompt name; `{server}` is already replaced. May be empty. */
  readonly prefix: string
  readonly tools: Filter
  readonly resources: Filter
  readonly prompts: Filter
  readonly timeouts: Timeouts
  readonly protocol: 'auto' | 'legacy' | 'modern'
  readonly session: 'auto' | 'shared' | 'per-client'
  /** Whether a command `npx` may be cut short when what it would run is at hand. */
  readonly resolve: 'auto' | 'npx'
  readonly restart: Restart
  readonly retry: Retry
  readonly cache: Cache
  /** Keeps state between calls, so two processes of it are not the same thing. */
  readonly stateful: boolean
  /** Two processes of it cannot run at the same time. */
  readonly exclusive: boolean
  /** What happens when its tools are not as `mcpctl.lock` says. */
  readonly integrity: 'off' | 'warn' | 'enforce'
  /** What happens with those it does not know; `auto` was replaced. */
  readonly onNew: 'allow' | 'warn' | 'block'
  /** What `mcpctl.lock` says of it; null when nothing is compared: not locked, or integrity is `off`. */
  readonly pins: Pins | null
  /** In lower case; added to those that are always sent on. */
  readonly forwardHeaders: readonly string[]
}

/** What one server was found to say of itself when it was locked. */
export interface Pins {
  /** Their digest; null where it had none. */
  readonly instructions: string | null
  readonly tools: Pinned
  readonly prompts: Pinned
  /** By URI template. */
  readonly templates: Pinned
}

/** By the server's own name: any text, so look for own keys only. */
export type Pinned = Readonly<Record<string, Pin>>

/** One item as it was locked. */
export interface Pin {
  /** `sha256:` and 64 digits in hex, of its canonical JSON (RFC 8785). */
  readonly digest: string
  /** The beginnings of the digests of its fields: they tell which one is another now, and nothing is decided by them. */
  readonly parts: Readonly<Record<string, string>>
  /** The parameters of a tool: one that only got more of them has this digest without those. */
  readonly inputs: readonly string[]
}

export type Transport = StdioTransport | HttpTransport

export interface StdioTransport {
  readonly kind: 'stdio'
  readonly command: string
  readonly args: readonly string[]
  /** Added to the allow-listed environment. */
  readonly env: Readonly<Record<string, string>>
  /** Absolute. */
  readonly cwd: string
}

export interface HttpTransport {
  /** `auto`: Streamable HTTP, falling back to SSE when the server does not know it. */
  readonly kind: 'auto' | 'http' | 'sse'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/** Which of a server's items are visible, by the server's own bare names (resources: by URI). */
export interface Filter {
  /** Globs; nothing listed here means everything. */
  readonly allow: readonly string[] | 'all'
  /** Globs; wins over `allow`. */
  readonly deny: readonly string[]
  /** Own name to shown name, before the prefix. */
  readonly rename: Readonly<Record<string, string>>
  /** Fields of the listed item to replace, by own name: title, description, annotations, … */
  readonly override: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

export interface Timeouts {
  /** Connect, handshake and first lists together. */
  readonly connect: number
  /** Longest silence of a call; progress starts it anew. */
  readonly request: number | 'off'
  /** Longest life of a call, progress or not. */
  readonly max: number | 'off'
  /** How long an unused connection to a remote server is kept. */
  readonly idle: number
}

export interface Restart {
  readonly policy: 'always' | 'never'
  /** First wait before a reconnect; doubles each time, with full jitter. */
  readonly backoff: number
  readonly maxBackoff: number
}

/** For what is safe to repeat: lists, reads, prompts, completion. Never for a tool call that may have been executed. */
export interface Retry {
  readonly attempts: number
  readonly backoff: number
}

export interface Cache {
  readonly mode: 'swr' | 'strict' | 'notify'
  readonly persist: boolean
}
