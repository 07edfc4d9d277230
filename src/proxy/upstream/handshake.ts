import type { Server } from '../../config/profile.ts'
import { nestsTooDeep } from '../mcp/depth.ts'
import { isError, isRecord, type Params, type RpcResponse, recordOf } from '../mcp/rpc.ts'
import type { Connection, Greeting } from './connection.ts'
import { greetingFields, isModernAnswer, modernGreeting, versionsIn } from './discovery.ts'
import { MODERN_VERSION } from './envelope.ts'
import { LinkFailure } from './failure.ts'
import { LegacyConnection } from './legacy.ts'
import { Line, type LineOptions } from './line.ts'
import type { Link, LinkEvents } from './link.ts'
import { frameOf } from './listing.ts'
import { ModernConnection } from './modern.ts'
import type { Snapshot } from './snapshot.ts'

const OFFERED_VERSION = '2025-11-25'
const acceptedVersions: readonly unknown[] = ['2024-11-05', '2025-03-26', '2025-06-18', OFFERED_VERSION]

const LONGEST_REASON = 200
/** Of the time to connect: a server that does not answer the probe must still have time to be initialised. */
const PROBE_SHARE = 0.3

/** What a session that all clients share can do for a server: pass its questions on to the client they are for. */
export const sharedCapabilities: Params = { sampling: {}, elicitation: { form: {}, url: {} } }

export interface HandshakeOptions extends LineOptions {
  readonly openLink: (events: LinkEvents) => Promise<Link>
  /** The era to speak; `auto`: whichever the server does. */
  readonly protocol: Server['protocol']
  /** What is remembered of a remote server. */
  readonly verdict: Pick<Snapshot, 'era' | 'settle'> | undefined
  readonly relist: () => Promise<void>
  /** Until the connection must be ready, in milliseconds. */
  readonly budget: number
  readonly signal: AbortSignal
  /** Takes over the end of a connection that did not come about. */
  readonly leave: (closing: Promise<void>) => void
}

/**
 * Opens a link, finds out which era the server speaks (MCP: Versioning and Compatibility) and greets it. A remote
 * server is asked with `server/discover`; a process is not, since many end at a request they do not know. Rejects with
 * LinkFailure.
 */
export async function handshake(options: HandshakeOptions): Promise<Connection> {
  const line = await Line.open(options.openLink, options)
  try {
    if (!(await isProbed(line, options))) return await initialize(line, options)
    const modern = await probe(line, options)
    if (modern) return modern
    const connection = await initialize(line, options)
    // Silent when it was probed, and then not: the next connect need not wait for that again.
    if (connection.era === 'legacy') await options.verdict?.settle('legacy')
    return connection
  } catch (error) {
    options.leave(line.close(new LinkFailure('ended', 'the handshake failed')))
    throw error
  }
}

async function isProbed({ link }: Line, { protocol, verdict }: HandshakeOptions): Promise<boolean> {
  if (protocol !== 'auto') return protocol === 'modern'
  return link.transport === 'http' && (await verdict?.era()) !== 'legacy'
}

/** The connection to a modern server; undefined when the server is to be initialised instead. */
async function probe(line: Line, options: HandshakeOptions): Promise<Connection | undefined> {
  const answer = await discover(line, options)
  if (answer !== undefined && isModernAnswer(answer) && isCommon(answer)) return greetModern(line, options, answer)
  if (options.protocol === 'modern') throw noModern()
  // Silence alone is no evidence: the server may be slow, or away.
  if (answer !== undefined) await options.verdict?.settle('legacy')
  return undefined
}

/** Undefined when the probe was not answered in time. Whatever is no answer in this era is an answer of another one. */
async function discover(line: Line, options: HandshakeOptions): Promise<RpcResponse | undefined> {
  const { protocol, verdict, budget, timing, signal } = options
  const isKnown = protocol === 'modern' || (await verdict?.era()) === 'modern'
  const deadline = isKnown
    ? signal
    : AbortSignal.any([signal, AbortSignal.timeout(Math.min(timing.probe, budget * PROBE_SHARE))])
  const connection = new ModernConnection(line, options)
  try {
    return await connection.ask('server/discover', undefined, deadline)
  } catch (error) {
    signal.throwIfAborted()
    if (deadline.aborted) return undefined
    if (line.link.transport === 'http' && error instanceof LinkFailure && isOtherEra(error)) return notModern
    throw error
  }
}

/** Credentials, pauses and faults of the way say nothing about the era. */
function isOtherEra({ kind }: LinkFailure): boolean {
  return kind === 'broken' || kind === 'unsuitable' || kind === 'ended'
}

const notModern: RpcResponse = { jsonrpc: '2.0', id: null, error: { code: 0, message: 'no answer of this era' } }

/** Whether there is a revision to go on with in the modern era. Throws when there is none in either. */
function isCommon(answer: RpcResponse): boolean {
  const versions = versionsIn(answer)
  if (isError(answer) && versions.length === 0) throw refused('server/discover', answer.error.message)
  if (versions.includes(MODERN_VERSION)) {
    if (isError(answer)) throw refused('server/discover', answer.error.message)
    return true
  }
  if (versions.some((version) => acceptedVersions.includes(version))) return false
  throw noCommon(versions.join(', '))
}

async function greetModern(line: Line, options: HandshakeOptions, answer: RpcResponse): Promise<Connection> {
  if (isError(answer)) throw refused('server/discover', answer.error.message)
  const connection = new ModernConnection(line, options)
  connection.greet(modernGreeting(shallow(answer.result)))
  if (line.link.transport === 'http') await options.verdict?.settle('modern')
  return connection
}

/** The handshake of the legacy era (MCP: Basic, Lifecycle), unless the server turns out to know only the other one. */
async function initialize(line: Line, options: HandshakeOptions): Promise<Connection> {
  const { declares, signal, protocol } = options
  const connection = new LegacyConnection(line, options)
  const answer = await connection.ask('initialize', { protocolVersion: OFFERED_VERSION, ...declares }, signal)
  if (!isError(answer)) {
    await connection.greet(legacyGreeting(shallow(answer.result)), signal)
    return connection
  }
  if (!versionsIn(answer).includes(MODERN_VERSION)) throw refused('initialize', answer.error.message)
  if (protocol === 'legacy') {
    const hint = 'set "protocol" to "auto" or "modern"'
    throw new LinkFailure('hopeless', `the server speaks ${MODERN_VERSION} only`, { hint })
  }
  const discovered = await discover(line, { ...options, protocol: 'modern' })
  if (discovered === undefined || !isModernAnswer(discovered)) throw noModern()
  return greetModern(line, options, discovered)
}

/** What a server says of itself is written again and again, for clients and onto the disk. */
function shallow(result: Params): Params {
  if (nestsTooDeep(result)) throw new LinkFailure('broken', 'the answer to the greeting is nested too deeply')
  return result
}

function legacyGreeting(result: Params): Greeting {
  const { protocolVersion, serverInfo, capabilities: offered, instructions } = result
  if (typeof protocolVersion !== 'string' || !isRecord(offered))
    throw new LinkFailure('broken', 'the answer to initialize has no protocolVersion or no capabilities')
  if (!acceptedVersions.includes(protocolVersion)) throw noCommon(protocolVersion)
  return {
    protocolVersion,
    serverInfo: recordOf(serverInfo),
    capabilities: offered,
    instructions: typeof instructions === 'string' ? instructions : undefined,
    frame: frameOf(result, greetingFields),
  }
}

function refused(method: string, message: unknown): LinkFailure {
  return new LinkFailure('broken', `${method} was refused: ${String(message).slice(0, LONGEST_REASON)}`)
}

function noModern(): LinkFailure {
  const hint = 'set "protocol" to "auto" or "legacy"'
  return new LinkFailure('hopeless', `the server does not speak ${MODERN_VERSION}`, { hint })
}

function noCommon(theirs: string): LinkFailure {
  const ours = [...acceptedVersions, MODERN_VERSION].join(', ')
  const said = theirs.slice(0, LONGEST_REASON)
  return new LinkFailure('hopeless', `no common protocol version: the server says ${said}, known are ${ours}`)
}
