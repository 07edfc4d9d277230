export interface ListParts {
  readonly open: string
  /** The items, by server, with commas between those of one; none of them empty. */
  readonly pieces: readonly Buffer[]
  readonly close: string
}

const COMMA = 0x2c

/**
 * The answer to a list method, from the pieces that the servers put into it. A view is made anew for each change of a
 * server, but few of them are ever asked for: only then the pieces become one run of bytes.
 */
export class List {
  readonly #parts: ListParts
  #bytes: Buffer | undefined

  constructor(parts: ListParts) {
    this.#parts = parts
  }

  get bytes(): Buffer {
    this.#bytes ??= joined(this.#parts)
    return this.#bytes
  }

  /** Whether it reads the same. What did not change is the same piece, so that few bytes are looked at. */
  equals(other: List): boolean {
    if (this === other) return true
    if (this.#length !== other.#length) return false
    const { open, pieces, close } = this.#parts
    const others = other.#parts.pieces
    const isFramed = open === other.#parts.open && close === other.#parts.close && pieces.length === others.length
    return (isFramed && pieces.every((piece, at) => isEqual(piece, others[at]))) || this.bytes.equals(other.bytes)
  }

  get #length(): number {
    const { open, pieces, close } = this.#parts
    return Buffer.byteLength(open) + lengthOf(pieces) + Buffer.byteLength(close)
  }

  toString(): string {
    return this.bytes.toString()
  }
}

function isEqual(one: Buffer, other: Buffer | undefined): boolean {
  return one === other || (other !== undefined && one.equals(other))
}

/** Of all pieces with a comma between each two. */
function lengthOf(pieces: readonly Buffer[]): number {
  return pieces.reduce((sum, { length }) => sum + length, Math.max(0, pieces.length - 1))
}

function joined({ open, pieces, close }: ListParts): Buffer {
  const head = Buffer.from(open)
  const tail = Buffer.from(close)
  const bytes = Buffer.allocUnsafeSlow(head.length + lengthOf(pieces) + tail.length)
  let at = head.copy(bytes)
  for (const [index, piece] of pieces.entries()) {
    if (index > 0) bytes[at++] = COMMA
    at += piece.copy(bytes, at)
  }
  tail.copy(bytes, at)
  return bytes
}
