import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { BodyReader, Cut, Head, HttpRequest, Pool } from '../../../../src/proxy/upstream/pool.ts'

export interface Way {
  readonly socket: Socket
  /** Which connection it came on, from 0. */
  readonly connection: number
}

/** A server that answers each request with exactly the bytes the test wants, and shows exactly what it got. */
export async function byteServer(answer: (way: Way, request: string) => void, host = '127.0.0.1') {
  const requests: string[] = []
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    const connection = sockets.push(socket) - 1
    let text = ''
    socket.setEncoding('latin1').on('error', () => {})
    socket.on('data', (more) => {
      text += more
      for (let size = sizeOf(text); size !== undefined && text.length >= size; size = sizeOf(text)) {
        const request = text.slice(0, size)
        text = text.slice(size)
        requests.push(request)
        answer({ socket, connection }, request)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    requests,
    sockets,
    /** Takes no more connections; those there are stay. */
    refuse() {
      server.close()
    },
    get open() {
      return sockets.filter((socket) => !socket.destroyed).length
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Of the first request in the text; undefined while its head is not complete. */
function sizeOf(text: string): number | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [, length = '0'] = /content-length: (\d+)/i.exec(text.slice(0, end)) ?? []
  return end + 4 + Number(length)
}

export function ok(body = 'ok', fields: readonly string[] = []): string {
  return ['HTTP/1.1 200 OK', `content-length: ${body.length}`, ...fields, '', body].join('\r\n')
}

/** A response as a reader got it. */
export class Received implements BodyReader {
  head: Head | undefined
  body = ''
  chunks = 0
  isComplete = false
  cut: Cut = () => {}

  readonly open = (head: Head, cut: Cut): BodyReader => {
    this.head = head
    this.cut = cut
    return this
  }

  chunk(bytes: Buffer): void {
    this.chunks++
    this.body += bytes.toString('latin1')
  }

  end(): void {
    this.isComplete = true
  }
}

export const post: HttpRequest = { method: 'POST', path: '/mcp?a=1', headers: { 'x-key': 'k' }, body: '{}' }

export async function receive(pool: Pool, request: Partial<HttpRequest> = {}): Promise<Received> {
  const received = new Received()
  await pool.request({ ...post, ...request }, received.open)
  return received
}
