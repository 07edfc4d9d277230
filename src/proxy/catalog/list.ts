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
    const { open, pieces, close } = this.#parts
    const { open: otherOpen, pieces: otherPieces, close: otherClose } = other.#parts
    if (this === other) return true
    if (open !== otherOpen || close !== otherClose || pieces.length !== otherPieces.length) return false
    return pieces.every((piece, index) => piece === otherPieces[index] || piece.equals(otherPieces[index] ?? piece))
  }

  toString(): string {
    return this.bytes.toString()
  }
}

function joined({ open, pieces, close }: ListParts): Buffer {
  const items = pieces.reduce((sum, { length }) => sum + length, 0) + Math.max(0, pieces.length - 1)
  const head = Buffer.from(open)
  const tail = Buffer.from(close)
  const bytes = Buffer.allocUnsafeSlow(head.length + items + tail.length)
  let at = head.copy(bytes)
  for (const [index, piece] of pieces.entries()) {
    if (index > 0) bytes[at++] = COMMA
    at += piece.copy(bytes, at)
  }
  tail.copy(bytes, at)
  return bytes
}
