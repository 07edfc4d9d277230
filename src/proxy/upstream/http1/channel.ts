import type { Socket } from 'node:net'
import { encodingOf } from '../../mcp/text.ts'
import type { Head } from '../pool.ts'
import { closedByServer, closedByUs, socketFailure } from '../socket-failure.ts'
import type { Intake } from './intake.ts'
import type { Carrier, Job } from './job.ts'
import type { NodeParserClass } from './node-parser.ts'
import { ResponseParser } from './response-parser.ts'

export interface ChannelOptions {
  readonly socket: Socket
  readonly intake: Intake
  readonly Parser: NodeParserClass
  readonly events: {
    /** It can carry another request. */
    freed(channel: Channel): void
    /** It will never carry one again; called once. `wasIdle`: it carried none. */
    ended(channel: Channel, wasIdle: boolean): void
  }
}

/** How long the server keeps an unused connection, in seconds: `Keep-Alive: timeout=5`. */
const hint = /(?:^|[\s,;])timeout=(\d+)/i
/** The server's clock begins earlier than ours. */
const MARGIN_MS = 1000

/**
 * One open connection, which carries one request at a time. Whatever leaves it in doubt what the next byte belongs to
 * ends it: an answer cut short or given up, bytes nobody asked for, a request not wholly written when its answer was in.
 */
export class Channel implements Carrier {
  readonly #options: ChannelOptions
  readonly #parser: ResponseParser
  readonly openedAt = performance.now()
  /** For how long the server keeps it unused, in milliseconds, as far as it says. */
  keptFor = Number.POSITIVE_INFINITY
  /** To be closed at that time, on the clock of `performance.now()`, unless it is used before. */
  expiresAt = Number.POSITIVE_INFINITY
  #hint: string | readonly string[] | undefined
  #job: Job | undefined
  #isAnswered = false
  #isLast = false
  #isEnded = false

  constructor(options: ChannelOptions) {
    const { socket, intake, Parser } = options
    this.#options = options
    this.#parser = new ResponseParser(Parser, {
      began: () => this.#began(),
      head: (head, isLast) => this.#head(head, isLast),
      body: (bytes) => this.#job?.body(bytes),
      complete: () => this.#complete(),
    })
    intake.take = (bytes) => this.#read(bytes)
    socket.on('end', () => this.#finish())
    socket.on('error', (error) => this.#end(socketFailure(error)))
    socket.on('close', () => {
      this.#end(closedByServer())
      this.#parser.close()
    })
  }

  /** What it carries a stream for is no connection for calls. */
  get isStreaming(): boolean {
    return this.#job?.request.isStream === true
  }

  /** Whether neither side has begun to close it. */
  get isOpen(): boolean {
    const { socket } = this.#options
    return !this.#isEnded && socket.readable && socket.writable
  }

  carry(job: Job): void {
    this.#job = job
    this.#isAnswered = false
    job.carriedBy(this)
    const { head, request } = job
    const { socket } = this.#options
    const { body = '' } = request
    if (head.isAscii && typeof body === 'string') {
      socket.write(head.text + body, encodingOf(body, head.bodyLength))
      return
    }
    socket.cork()
    socket.write(head.text, 'latin1')
    if (typeof body === 'string') socket.write(body)
    else for (const part of [body.head, body.bytes, body.tail]) socket.write(part)
    socket.uncork()
  }

  drop(): void {
    this.close()
  }

  /** Ends at once, with what it carries. */
  close(reason: Error = closedByUs()): void {
    this.#end(reason)
  }

  #read(bytes: Buffer): void {
    if (this.#isEnded) return
    try {
      this.#parser.read(bytes)
    } catch (error) {
      this.#end(error)
    }
    if (this.#isAnswered) this.#settle()
  }

  /** Kept, an answer that nobody asked for would be taken as that to the next request. */
  #began(): void {
    if (this.#job === undefined || this.#isAnswered) this.#isLast = true
    if (this.#job === undefined) this.close()
  }

  #head(head: Head, isLast: boolean): void {
    if (this.#isAnswered || this.#job === undefined) return
    if (isLast) this.#isLast = true
    this.#hear(head.headers['keep-alive'])
    this.#job.answered(head)
  }

  #hear(said: string | readonly string[] | undefined): void {
    if (said === this.#hint) return
    this.#hint = said
    const [, seconds] = hint.exec(String(said)) ?? []
    this.keptFor = seconds === undefined ? Number.POSITIVE_INFINITY : Number(seconds) * 1000 - MARGIN_MS
    if (this.keptFor <= 0) this.#isLast = true
  }

  #complete(): void {
    if (this.#isAnswered) return
    this.#isAnswered = true
    this.#job?.complete()
  }

  /** After all bytes that came with the end of an answer have been read. */
  #settle(): void {
    this.#job = undefined
    this.#isAnswered = false
    if (this.#isEnded) return
    if (this.#isLast) this.close()
    // TLS reports that it has sent something a little later than the answer to it may come.
    else if (this.#options.socket.writableNeedDrain) setImmediate(() => this.#free())
    else this.#free()
  }

  /** An answer to what was not wholly sent is the last one: the server may not read the rest. */
  #free(): void {
    if (this.#isEnded) return
    if (this.#options.socket.writableNeedDrain) this.close()
    else this.#options.events.freed(this)
  }

  /** The server sends no more, which may be how it ends a body. */
  #finish(): void {
    try {
      this.#parser.end()
      this.#end(closedByServer())
    } catch (error) {
      this.#end(error)
    }
  }

  #end(reason: unknown): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#options.socket.destroy()
    this.#options.events.ended(this, this.#job === undefined)
    this.#job?.fail(reason)
  }
}
