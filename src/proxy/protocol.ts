import type { LockedServer } from '../config/lock-data.ts'
import type { Said, Surveyed } from '../config/lock-survey.ts'
import type { Group, Server } from '../config/profile.ts'
import type { Drift } from '../shared/drift.ts'
import type { LogLevel } from '../shared/log.ts'
import type { CatalogStatus, ProxyState, ServerStatus } from '../shared/status.ts'
import type { Word } from './succession/word.ts'

export type { Word } from './succession/word.ts'

/** What supervisor and proxy say to each other over the IPC channel (serialization `advanced`). */

/** The descriptor number under which the proxy inherits the group's listening socket. */
export const LISTEN_FD = 4

/** How a proxy exits. What the supervisor does about it depends on this alone; any other code is a crash too. */
export const EXIT = {
  done: 0,
  /** Ours: it is started again, and too many of them quarantine the group. */
  bug: 70,
  /** What it needs is not to be had just now: tried again, and nothing is held against it. */
  temporary: 75,
  /** Trying again changes nothing: another configuration, another version or `restart` has to come first. */
  hopeless: 78,
} as const

export type ToProxy =
  /** First message. The configuration, secrets included, comes this way only: never argv, environment or a file. */
  | {
      readonly type: 'start'
      /** Of the supervisor: a proxy of another one, whose files came later, says so and exits. */
      readonly version: string
      readonly generation: number
      readonly group: Group
      readonly listen: { readonly host: string; readonly port: number }
      /** Where sockets cannot be handed over there is none under `LISTEN_FD`: the proxy binds the address itself. */
      readonly bindsItself?: boolean
      /** `ready`: it takes another proxy's place, so it joins the socket only when its servers have settled. */
      readonly listenWhen: 'now' | 'ready'
      readonly project: string
      readonly profile: string
      /** The absolute state folder: the marker `MCPCTL_OWNER` of every process the proxy starts. */
      readonly owner: string
      /** 32 bytes, base64url: seals session ids, so that any generation of the proxy can open them. */
      readonly sessionKey: string
      readonly secrets: readonly string[]
      readonly logLevel: LogLevel
    }
  /**
   * A coming configuration for the living proxy: it connects what is new or changed beside what serves, and answers with
   * `prepared`. Nothing else is different yet. An earlier one that was not committed is given up.
   */
  | {
      readonly type: 'prepare'
      /** Counts what proxies are given: an answer to what was given up is not taken for one to what came after. */
      readonly generation: number
      readonly group: GroupUpdate
      readonly secrets: readonly string[]
    }
  /** What was prepared is in force at once, be everything connected or not; answered with `configured`. */
  | { readonly type: 'commit'; readonly generation: number }
  /** What was prepared is dropped. */
  | { readonly type: 'abort'; readonly generation: number }
  /**
   * Listen on the socket handle sent with this message as well, or bind the address; the old one is served for a while,
   * unless it `yields`: then it is another group's from now on.
   */
  | {
      readonly type: 'listen'
      readonly listen: { readonly host: string; readonly port: number }
      readonly yields: boolean
    }
  /**
   * Accept nothing new, finish what is in flight until the deadline, stop the servers, exit 0. Standing streams end, or
   * with `handOver` go to the proxy that takes the place of this one.
   */
  | { readonly type: 'drain'; readonly graceMs: number; readonly handOver: boolean }
  /** What the other generation says; a stream's connection comes with it as a socket handle. */
  | { readonly type: 'stream'; readonly word: Word }
  /**
   * First and only message to a process that serves nothing: ask these servers what they say of themselves, compare it
   * with what is locked, answer and exit.
   */
  | {
      readonly type: 'survey'
      readonly servers: readonly Server[]
      readonly locked: Readonly<Record<string, LockedServer>>
      /** By digest, what stands behind the locked ones, as far as it is known. */
      readonly texts: Readonly<Record<string, Said>>
      readonly owner: string
    }

/** A group for a proxy that was given an earlier one: of a server that is as it was then only the name is said. */
export interface GroupUpdate extends Omit<Group, 'servers'> {
  readonly servers: readonly (Server | string)[]
}

/** A new or changed server that did not come up, and why. */
export interface ServerFailure {
  readonly server: string
  readonly reason: string
}

export type FromProxy =
  | { readonly type: 'listening'; readonly host: string; readonly port: number }
  /** What can be connected is; the servers that did not come up, each with the reason. */
  | { readonly type: 'prepared'; readonly generation: number; readonly failures: readonly ServerFailure[] }
  | { readonly type: 'configured'; readonly generation: number }
  /** Sent on every change, coalesced; the supervisor shows the newest. */
  | {
      readonly type: 'status'
      readonly generation: number
      readonly state: ProxyState
      readonly catalog: CatalogStatus
      /** Those that are not as they were told last. */
      readonly servers: readonly ServerStatus[]
      /** The names of all servers, when they are not those that were told last. */
      readonly order?: readonly string[]
    }
  /** For the other generation; a stream's connection goes with it as a socket handle. */
  | { readonly type: 'stream'; readonly word: Word }
  /** A server is not as it was locked; told once. */
  | { readonly type: 'drift'; readonly drift: Drift }
  | { readonly type: 'surveyed'; readonly servers: readonly Surveyed[] }
  /** It cannot serve (a foreign socket under the descriptor, a broken start): exits right after. */
  | { readonly type: 'fatal'; readonly message: string }
