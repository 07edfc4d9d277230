import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LineFramer } from '../../../src/proxy/upstream/framer.ts'

const LIMIT = 64

/** The lines a framer with a limit of 64 bytes makes of the chunks; an oversized one as its two ends. */
function frame(chunks: readonly Uint8Array[]): string[] {
  const lines: string[] = []
  const framer = new LineFramer(LIMIT, {
    line: (text) => lines.push(text),
    oversized: ({ head, tail }) => lines.push(`oversized ${head}…${tail}`),
  })
  for (const chunk of chunks) framer.push(Buffer.from(chunk))
  return lines
}

function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  return [...places, bytes.length].map((end, i) => bytes.subarray(places[i - 1] ?? 0, end))
}

test('cuts the same lines however the bytes are split', () => {
  const line = fc
    .string({ unit: 'grapheme', maxLength: 12 })
    .map((text) => text.replaceAll(/[\r\n]/g, ''))
    .filter((text) => Buffer.byteLength(text) <= LIMIT)
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat()), (lines, cuts) => {
      const bytes = Buffer.from(lines.map((one) => `${one}\n`).join(''))
      expect(frame(split(bytes, cuts))).toEqual(lines.filter((one) => one !== ''))
    }),
  )
})

test('takes a carriage return before the newline as part of the line end', () => {
  expect(frame([Buffer.from('one\r\ntwo\r'), Buffer.from('\nth\rree\n')])).toEqual(['one', 'two', 'th\rree'])
})

test('keeps a line of exactly the limit and drops a longer one, whatever follows', () => {
  const fits = 'a'.repeat(LIMIT)
  const tooLong = `${'b'.repeat(LIMIT)}c`
  const bytes = Buffer.from(`${fits}\n${tooLong}\nnext\n`)
  for (let size = 1; size <= bytes.length; size++) {
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    )
    const [first, second, third, ...more] = frame(chunks)
    expect([first, third, more]).toEqual([fits, 'next', []])
    expect(second).toMatch(/^oversized b*…b*c$/)
  }
})

test('does not keep a line that never ends', () => {
  const framer = new LineFramer(LIMIT, { line: () => {}, oversized: () => {} })
  for (let i = 0; i < 1000; i++) framer.push(Buffer.alloc(1000, 'x'))
  expect(framer.pending).toBe(1_000_000)
})
