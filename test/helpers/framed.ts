import type { Framed } from '../../src/proxy/mcp/text.ts'

/** The same message with its middle as bytes. */
export function framed(text: string): Framed {
  return { head: text.slice(0, 1), bytes: Buffer.from(text.slice(1, -1)), tail: text.slice(-1) }
}
