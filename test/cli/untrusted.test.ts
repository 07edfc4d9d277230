import fc from 'fast-check'
import { expect, test } from 'vitest'
import { oneLine, plainText } from '../../cli/untrusted.ts'

test.each([
  ['an escape sequence', '\u001b[31mred\u001b[0m', '[31mred[0m'],
  ['a window title', '\u001b]0;pwned\u0007name', ']0;pwnedname'],
  ['a C1 control', 'a\u009bb', 'ab'],
  ['a carriage return that would overwrite', 'safe\rrm -rf', 'saferm -rf'],
  ['a right-to-left override', 'user\u202etxt.exe', 'usertxt.exe'],
  ['isolates and marks', '\u2066a\u2069\u200e', 'a'],
  ['a line and a tab stay', 'a\n\tb', 'a\n\tb'],
])('%s cannot steer the terminal', (_title, text, safe) => expect(plainText(text)).toBe(safe))

test('one line is one line, whatever a server sends', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(oneLine(text)).not.toMatch(/\p{Cc}/u)
    }),
  )
})
