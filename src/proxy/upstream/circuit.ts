import type { Restart } from '../../config/profile.ts'
import type { ServerState } from '../../shared/status.ts'
import type { LinkFailure } from './failure.ts'

/** Times are milliseconds on a monotonic clock. */

/** What is remembered of a server's failures, until it has been ready for long enough. */
export interface Past {
  /** Failures in a row: connects that failed, connections that were lost. */
  readonly failures: number
  /** Since when there is a connection. */
  readonly readySince: number | undefined
  /** When a process of it ended, or it forgot a session that had not served: as far as a minute reaches back. */
  readonly ends: readonly number[]
  /** How often in a row the circuit was opened: once it was, one lost connection or failed probe opens it again. */
  readonly trips: number
  /** Whether a call was answered on this connection. */
  readonly hasServed: boolean
  /** The calls since the first one that failed; undefined when none did lately. */
  readonly calls: Calls | undefined
}

interface Calls {
  readonly since: number
  /** Of how many it is known what became of them. */
  readonly all: number
  readonly failed: number
  /** Of those that failed, the last in a row. */
  readonly streak: number
}

export const blank: Past = {
  failures: 0,
  readySince: undefined,
  ends: [],
  trips: 0,
  hasServed: false,
  calls: undefined,
}

export type Happening =
  /** A connection, with its first lists. */
  | { readonly is: 'ready' }
  /** A connect failed. */
  | { readonly is: 'missed'; readonly failure: LinkFailure }
  /** A ready connection came to its end. */
  | { readonly is: 'lost'; readonly failure: LinkFailure }
  /** The way to the server or back failed a client's call, or time ran out. What a tool says is no failure. */
  | { readonly is: 'failed' }
  /** A client's call was answered. */
  | { readonly is: 'answered' }

export interface Rules {
  readonly restart: Restart
  readonly isProcess: boolean
  /** Ready for so long, earlier failures are forgotten. */
  readonly stable: number
  /** A session that was good for so long is replaced at once when the server forgets it. */
  readonly session: number
  /** Between looks at what time alone does not repair. */
  readonly hopeless: number
}

/** What an upstream does next. */
export type Step =
  | { readonly do: 'stay' }
  | { readonly do: 'connect' }
  | {
      readonly do: 'rest'
      readonly state: Extract<ServerState, 'backoff' | 'authRequired' | 'failed'>
      /** `never`: it stays down. */
      readonly ms: number | 'never'
      /** What opened the circuit; undefined when this is an ordinary pause. */
      readonly opened?: string
    }

type Rest = Extract<Step, { readonly do: 'rest' }>

export interface Turnout {
  readonly past: Past
  readonly step: Step
}

export interface Moment {
  readonly now: number
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly rules: Rules
}

const SECOND = 1000
const FLOOR_MS = 100
/** So many in a row open the circuit, of calls as of connections. */
const IN_A_ROW = 5
/** So many calls within the window, half of which failed, open it too. */
const ENOUGH_CALLS = 20
const CALLS_MS = 30 * SECOND
const ENDS_MS = 60 * SECOND
/** How long the circuit is open at first, and at most; of a server that does not keep up, each time. */
const FIRST_OPEN_MS = 10 * SECOND
const LONGEST_OPEN_MS = 300 * SECOND
const FLAPPING_MS = 60 * SECOND
/** The longest backoff these figures belong to: with another they shrink, but do not grow. */
const USUAL_BACKOFF_MS = 30 * SECOND

const stay: Step = { do: 'stay' }

/** The one rule of when a server is connected to, left alone and tried again. */
export function next(past: Past, happening: Happening, moment: Moment): Turnout {
  switch (happening.is) {
    case 'ready':
      return { past: { ...past, readySince: moment.now, hasServed: false, calls: undefined }, step: stay }
    case 'answered':
      return { past: { ...past, hasServed: true, calls: counted(past.calls, moment.now) }, step: stay }
    case 'failed':
      return afterCall(past, moment)
    case 'missed':
    case 'lost':
      return afterEnd(past, happening, moment)
    default:
      return happening satisfies never
  }
}

/** Answers are of no interest while no call has failed lately. */
function counted(calls: Calls | undefined, now: number): Calls | undefined {
  if (calls === undefined || now - calls.since >= CALLS_MS) return undefined
  return { ...calls, all: calls.all + 1, streak: 0 }
}

function afterCall(before: Past, moment: Moment): Turnout {
  const past = forgiven(before, moment)
  const known = past.calls && moment.now - past.calls.since < CALLS_MS ? past.calls : undefined
  const { since, all, failed, streak } = known ?? { since: moment.now, all: 0, failed: 0, streak: 0 }
  const calls = { since, all: all + 1, failed: failed + 1, streak: streak + 1 }
  const opened = complaint(calls)
  if (opened === undefined) return { past: { ...past, calls }, step: stay }
  const step: Step = { do: 'rest', state: 'backoff', ms: openFor(past.trips, moment), opened }
  return { past: { ...past, trips: past.trips + 1, readySince: undefined, calls: undefined }, step }
}

function complaint({ all, failed, streak }: Calls): string | undefined {
  if (streak >= IN_A_ROW) return `${streak} failed calls in a row`
  return all >= ENOUGH_CALLS && failed * 2 >= all ? `${failed} of ${all} calls failed` : undefined
}

type End = Extract<Happening, { readonly failure: LinkFailure }>

function afterEnd(before: Past, end: End, moment: Moment): Turnout {
  const past = noted(forgiven(before, moment), end, moment)
  const failed = { ...past, failures: past.failures + 1, readySince: undefined, hasServed: false, calls: undefined }
  const hopeless = withoutHope(end.failure, moment)
  if (hopeless) return { past: failed, step: hopeless }
  const opened = reasonToOpen(failed)
  if (opened !== undefined)
    return { past: { ...failed, trips: past.trips + 1 }, step: open(past, end, { moment, opened }) }
  if (isNews(past, end, moment)) return { past: failed, step: { do: 'connect' } }
  const ms = end.failure.retryAfterMs ?? backoff(past, moment)
  return { past: failed, step: { do: 'rest', state: 'backoff', ms } }
}

/** Whoever was ready for long is no suspect any more. */
function forgiven(past: Past, { now, rules }: Moment): Past {
  return livedFor(past, now) < rules.stable ? past : { ...past, failures: 0, trips: 0, ends: [] }
}

/** What is to be held against a server that keeps no connection for long. */
function noted(past: Past, { is, failure }: End, { now, rules }: Moment): Past {
  const isSession = is === 'lost' && failure.kind === 'session'
  const recent = past.ends.filter((time) => now - time < ENDS_MS)
  const isEnd = rules.isProcess || (isSession && !past.hasServed)
  const wasGood = isSession && livedFor(past, now) >= rules.session
  return { ...past, ends: isEnd ? [...recent, now] : recent, failures: wasGood ? 0 : past.failures }
}

function livedFor({ readySince }: Past, now: number): number {
  return readySince === undefined ? 0 : now - readySince
}

/** What no second try soon would change. */
function withoutHope({ kind }: LinkFailure, { random, rules }: Moment): Rest | undefined {
  if (rules.restart.policy === 'never' && kind !== 'session') return { do: 'rest', state: 'failed', ms: 'never' }
  const ms = around(rules.hopeless, random)
  if (kind === 'hopeless') return { do: 'rest', state: 'failed', ms }
  return kind === 'unauthorized' || kind === 'forbidden' ? { do: 'rest', state: 'authRequired', ms } : undefined
}

function reasonToOpen({ trips, ends, failures }: Past): string | undefined {
  if (ends.length >= IN_A_ROW) return `${ends.length} ends within a minute`
  if (failures >= IN_A_ROW) return `${failures} failures in a row`
  return trips > 0 ? 'another failure' : undefined
}

function open({ trips }: Past, { failure }: End, { moment, opened }: { moment: Moment; opened: string }): Rest {
  const isFlapping = moment.rules.isProcess || failure.kind === 'session'
  const ms = isFlapping ? around(FLAPPING_MS * scale(moment), moment.random) : openFor(trips, moment)
  return { do: 'rest', state: 'backoff', ms: Math.max(ms, failure.retryAfterMs ?? 0), opened }
}

function openFor(trips: number, moment: Moment): number {
  const ms = Math.min(FIRST_OPEN_MS * 2 ** Math.min(trips, 30), LONGEST_OPEN_MS)
  return around(ms * scale(moment), moment.random)
}

function scale({ rules }: Moment): number {
  return Math.min(1, rules.restart.maxBackoff / USUAL_BACKOFF_MS)
}

/** The first loss in a while: a process starts again at once, and so does a session that was good or is just lost. */
function isNews({ failures }: Past, { is, failure }: End, { rules }: Moment): boolean {
  return (
    is === 'lost' &&
    failures === 0 &&
    (rules.isProcess || failure.kind === 'session') &&
    failure.retryAfterMs === undefined
  )
}

/** Full jitter: a crowd of servers that went down together does not come back together. */
function backoff({ failures }: Past, { random, rules }: Moment): number {
  const { restart } = rules
  const longest = Math.min(restart.maxBackoff, restart.backoff * 2 ** Math.min(failures, 30))
  return Math.round(Math.max(FLOOR_MS, longest * random()))
}

function around(ms: number, random: () => number): number {
  return Math.round(ms * (0.8 + 0.4 * random()))
}
