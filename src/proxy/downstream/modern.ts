import { INVALID_REQUEST, isMessage, isNotification, isRequest, type RpcRequest } from '../mcp/rpc.ts'
import type { Relay } from '../relay/relay.ts'
import { type Denial, deny, isDenial } from './denial.ts'
import { checkRevision, readEnvelope } from './envelope.ts'
import type { Listens } from './listens.ts'
import { checkHead, checkNotificationHead } from './mirrored.ts'
import { ModernClient } from './modern-client.ts'
import type { Pulse } from './pulse.ts'
import { Reply } from './reply.ts'
import type { Visit } from './visit.ts'

export interface ModernEndpointOptions {
  readonly relay: Relay
  readonly listens: Listens
  readonly pulse: Pulse
}

/**
 * The modern era on one address: every POST is one message that carries all it needs. There are no sessions, so
 * `Mcp-Session-Id` and `Last-Event-ID` mean nothing here.
 */
export class ModernEndpoint {
  readonly #options: ModernEndpointOptions

  constructor(options: ModernEndpointOptions) {
    this.#options = options
  }

  async post(visit: Visit, body: unknown): Promise<void> {
    if (!isMessage(body)) return deny(visit.response, invalid)
    if (isRequest(body)) return this.#request(visit, body)
    const denial = isNotification(body) ? checkNotificationHead(visit.request, body) : invalid
    if (denial) return deny(visit.response, denial)
    // This revision has none that a client sends over HTTP: whichever comes is taken and means nothing.
    visit.response.writeHead(202).end()
  }

  async #request(visit: Visit, message: RpcRequest): Promise<void> {
    const { response, server } = visit
    const client = this.#admit(visit, message)
    if (isDenial(client)) return deny(response, { ...client, id: message.id })
    if (message.method === 'subscriptions/listen') return this.#options.listens.open(response, server, message)
    const reply = new Reply({ response, pulse: this.#options.pulse, expected: 1, isBatch: false })
    response.once('close', () => client.gone())
    await this.#options.relay.handle(client, message, reply)
  }

  #admit({ request, server, principal }: Visit, message: RpcRequest): ModernClient | Denial {
    const read = readEnvelope(message.params)
    if (isDenial(read)) return read
    const denial = checkHead(request, message, read.version) ?? checkRevision(read)
    if (denial) return denial
    return new ModernClient({ server, envelope: read, principal, headers: request.headers })
  }
}

const invalid: Denial = { status: 400, code: INVALID_REQUEST, message: 'Invalid Request' }
