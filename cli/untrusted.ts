import type { Stream } from './context.ts'

/** Control characters but tab and newline, and the marks that reorder what a person sees or cannot be seen. */
const hostile = /(?![\t\n])\p{Cc}|[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\u{e0000}-\u{e007f}]/gu

/** Text that servers wrote, safe to show: it can neither steer the terminal nor hide what it says. */
export function plainText(text: string): string {
  return text.replace(hostile, '')
}

/** The same on one line, for tables and lists. */
export function oneLine(text: string): string {
  return plainText(text).replace(/\s+/g, ' ').trim()
}

/** What a server answered: made safe for a terminal, left whole for a file or a pipe. */
export function shown(text: string, stream: Stream): string {
  return stream.isTTY ? plainText(text) : text
}
