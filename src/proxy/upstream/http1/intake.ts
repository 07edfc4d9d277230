import type { OnReadOpts } from 'node:net'

const SIZE = 64 * 1024
/** All sockets read into the same memory, one after the other, instead of 64 KiB of their own for each piece. */
const landing = Buffer.allocUnsafeSlow(SIZE)

/** Takes what a socket reads. Each piece is gone when the call returns: who needs it longer copies it. */
export class Intake {
  /** Whoever reads the socket puts itself here. */
  take: (bytes: Buffer) => void = () => {}

  /** How a socket is told about it. */
  get onread(): OnReadOpts {
    return {
      buffer: () => landing,
      callback: (length) => {
        this.take(landing.subarray(0, length))
        return true
      },
    }
  }
}
