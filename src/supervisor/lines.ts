import { StringDecoder } from 'node:string_decoder'

/** A line longer than this is cut: what a broken process prints must not grow in our memory. */
const LONGEST = 64 * 1024

/** Cuts a byte stream into lines without their ends; the returned function takes chunks as they come. */
export function splitLines(onLine: (line: string) => void): (chunk: Buffer) => void {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  return (chunk) => {
    const lines = (rest + decoder.write(chunk)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line !== '') onLine(line)
    if (rest.length < LONGEST) return
    onLine(rest)
    rest = ''
  }
}
