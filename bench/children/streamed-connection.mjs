import { get } from 'node:http'
import { Connection } from './connection.mjs'

/**
 * A client's way to a server that speaks HTTP+SSE only, with the methods of `Connection`: requests are posted to the `url` that the
 * server names first, answers come over its event stream.
 */
export class StreamedConnection {
  #stream
  #posts
  #text = ''
  #waiting

  /** Resolves once the server has named where to post. */
  static async open(url) {
    const connection = new StreamedConnection()
    await connection.#connect(url)
    return connection
  }

  async #connect(url) {
    const endpoint = await new Promise((resolve, reject) => {
      this.#waiting = (error, answer) => (error ? reject(error) : resolve(answer.body.toString()))
      this.#stream = get(url, { headers: { accept: 'text/event-stream' } }, (response) => {
        response.setEncoding('utf8').on('data', (text) => this.#take(text))
      })
      this.#stream.on('error', (error) => this.#waiting?.(error))
    })
    this.url = new URL(endpoint, url).href
    this.#posts = await Connection.open(this.url)
  }

  /** Sends a request (latin1 text) and calls `done(error, { head, body })` with the next message of the stream, once. */
  send(request, done) {
    this.#waiting = done
    this.#posts.send(request, (error) => error && this.#waiting?.(error))
  }

  /** Sends a notification and calls `done(error)` once it is taken. */
  notify(request, done) {
    this.#posts.send(request, done)
  }

  #take(text) {
    const events = (this.#text + text).split(/\r?\n\r?\n/)
    this.#text = events.pop()
    for (const event of events) this.#answer(/^data: ?(.*)$/m.exec(event)?.[1])
  }

  /** A comment has no data. */
  #answer(data) {
    if (data === undefined) return
    const done = this.#waiting
    this.#waiting = undefined
    done?.(undefined, { head: 'HTTP/1.1 200', body: Buffer.from(data) })
  }

  close() {
    this.#waiting = undefined
    this.#stream.destroy()
    this.#posts?.close()
  }
}
