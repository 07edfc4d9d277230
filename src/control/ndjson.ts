/** The lines of a byte stream of newline-delimited JSON, parsed. A stream cut off in mid-line ends without it. */
export async function* parseLines(chunks: AsyncIterable<string>): AsyncGenerator<unknown> {
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line !== '') yield JSON.parse(line)
  }
}

export function toLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`
}
