import { connect } from 'node:net'

/**
 * A kept-alive HTTP/1.1 connection with one request in flight, for answers of servers that are trusted: it costs a
 * fraction of what a whole HTTP client does, so that the generator is not what is measured.
 */
export class Connection {
  #socket
  #buffered = Buffer.alloc(0)
  #waiting

  /** Resolves once the connection is there. */
  static async open(url) {
    const connection = new Connection()
    await connection.#connect(new URL(url))
    return connection
  }

  #connect({ hostname, port }) {
    return new Promise((resolve, reject) => {
      this.#socket = connect({ host: hostname, port: Number(port), noDelay: true }, resolve)
      this.#socket.on('data', (chunk) => this.#take(chunk))
      this.#socket.on('error', (error) => {
        reject(error)
        this.#waiting?.(error)
      })
      this.#socket.on('close', () =>
        this.#waiting?.(new Error('the connection was closed before the answer was there')),
      )
    })
  }

  /** Sends a request (latin1 text) and calls `done(error, { head, body })` with its answer, once. */
  send(request, done) {
    this.#waiting = done
    this.#socket.write(request, 'latin1')
  }

  close() {
    this.#waiting = undefined
    this.#socket.destroy()
  }

  #take(chunk) {
    this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk])
    const answer = read(this.#buffered)
    if (answer === undefined) return
    this.#buffered = Buffer.alloc(0)
    const done = this.#waiting
    this.#waiting = undefined
    done?.(undefined, answer)
  }
}

/** The whole answer at the start of `bytes`, as `{ head, body }`, or undefined while it is not all there. */
function read(bytes) {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const head = bytes.latin1Slice(0, end)
  const body = bodyOf(head, bytes.subarray(end + 4))
  return body && { head, body }
}

function bodyOf(head, rest) {
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) return dechunked(rest)
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
  return rest.length < length ? undefined : rest.subarray(0, length)
}

const LAST = Buffer.from('0\r\n\r\n')

/** An answer that has its last chunk ends with it, for the connection has one request in flight. */
function dechunked(rest) {
  if (!rest.subarray(-LAST.length).equals(LAST)) return undefined
  const parts = []
  for (let at = 0; ; ) {
    const line = rest.indexOf('\r\n', at)
    const size = Number.parseInt(rest.latin1Slice(at, line), 16)
    if (size === 0) return parts.length === 1 ? parts[0] : Buffer.concat(parts)
    if (line + 2 + size > rest.length) return undefined
    parts.push(rest.subarray(line + 2, line + 2 + size))
    at = line + 4 + size
  }
}
