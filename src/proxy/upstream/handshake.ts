import { isError, isRecord, type Params } from '../rpc.ts'
import type { Greeting } from './connection.ts'
import { LinkFailure } from './failure.ts'
import { LegacyConnection, type LegacyOptions } from './legacy.ts'
import type { Link, LinkEvents } from './link.ts'

const OFFERED_VERSION = '2025-11-25'
const acceptedVersions: readonly string[] = ['2024-11-05', '2025-03-26', '2025-06-18', OFFERED_VERSION]

const LONGEST_REASON = 200

/** What a session that all clients share can do for a server: pass its questions on to the client they are for. */
export const sharedCapabilities: Params = { sampling: {}, elicitation: { form: {}, url: {} } }

export interface HandshakeOptions extends LegacyOptions {
  readonly openLink: (events: LinkEvents) => Promise<Link>
  readonly signal: AbortSignal
  /** Takes over the end of a connection that did not come about. */
  readonly leave: (closing: Promise<void>) => void
}

/** Opens a link and agrees on a revision over it (MCP: Basic, Lifecycle). Rejects with LinkFailure. */
export async function handshake(options: HandshakeOptions): Promise<LegacyConnection> {
  const connection = await LegacyConnection.open(options.openLink, options)
  try {
    await connection.greet(await initialize(connection, options), options.signal)
    return connection
  } catch (error) {
    options.leave(connection.close(new LinkFailure('ended', 'the handshake failed')))
    throw error
  }
}

async function initialize(connection: LegacyConnection, { declares, signal }: HandshakeOptions): Promise<Greeting> {
  const params = { protocolVersion: OFFERED_VERSION, ...declares }
  const answer = await connection.ask('initialize', params, signal)
  if (isError(answer))
    throw new LinkFailure('broken', `initialize was refused: ${String(answer.error.message).slice(0, LONGEST_REASON)}`)
  return readGreeting(answer.result)
}

function readGreeting({ protocolVersion, serverInfo, capabilities: offered, instructions }: Params): Greeting {
  if (typeof protocolVersion !== 'string' || !isRecord(offered))
    throw new LinkFailure('broken', 'the answer to initialize has no protocolVersion or no capabilities')
  if (!acceptedVersions.includes(protocolVersion)) {
    const ours = acceptedVersions.join(', ')
    throw new LinkFailure(
      'hopeless',
      `no common protocol version: the server says ${protocolVersion}, known are ${ours}`,
    )
  }
  return {
    protocolVersion,
    serverInfo: isRecord(serverInfo) ? serverInfo : {},
    capabilities: offered,
    instructions: typeof instructions === 'string' ? instructions : undefined,
  }
}
