import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonical } from '../../src/shared/canonical.ts'

/** Of RFC 8785 (section 3.2.2 and the author's test data): what goes in as JSON text, and what comes out. */
const vectors = [
  ['arrays', '[56,{"d":true,"10":null,"1":[]}]', '[56,{"1":[],"10":null,"d":true}]'],
  [
    'names in French',
    '{"peach":"This sorting order","péché":"is wrong according to French","pêche":"but canonicalization MUST","sin":"ignore locale"}',
    '{"peach":"This sorting order","péché":"is wrong according to French","pêche":"but canonicalization MUST","sin":"ignore locale"}',
  ],
  [
    'structures',
    '{"1":{"f":{"f":"hi","F":5},"\\n":56.0},"10":{},"":"empty","a":{},"111":[{"e":"yes","E":"no"}],"A":{}}',
    '{"":"empty","1":{"\\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"no","e":"yes"}],"A":{},"a":{}}',
  ],
  ['no normalisation', '{"Unnormalized Unicode":"A\\u030a"}', '{"Unnormalized Unicode":"A\u030a"}'],
  [
    'values',
    '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  ],
  [
    'order of UTF-16 code units',
    '{"\\u20ac":"Euro Sign","\\r":"Carriage Return","\\u000a":"Newline","1":"One","\\u0080":"Control\\u007f","\\ud83d\\ude02":"Smiley","\\u00f6":"Latin Small Letter O With Diaeresis","\\ufb33":"Hebrew Letter Dalet With Dagesh","</script>":"Browser Challenge"}',
    '{"\\n":"Newline","\\r":"Carriage Return","1":"One","</script>":"Browser Challenge","\u0080":"Control\u007f","ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign","😂":"Smiley","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
  ],
  ['negative zero', '[-0,-0.0,0]', '[0,0,0]'],
  ['a name that means something to JavaScript', '{"b":1,"__proto__":{"a":2}}', '{"__proto__":{"a":2},"b":1}'],
] as const

test.each(vectors)('RFC 8785: %s', (_name, text, expected) => {
  expect(canonical(JSON.parse(text))).toBe(expected)
})

/** Appendix B: IEEE 754 bits, and the number as text. */
test.each([
  ['0000000000000000', '0'],
  ['8000000000000000', '0'],
  ['0000000000000001', '5e-324'],
  ['7fefffffffffffff', '1.7976931348623157e+308'],
  ['4340000000000000', '9007199254740992'],
  ['4430000000000000', '295147905179352830000'],
  ['44b52d02c7e14af5', '9.999999999999997e+22'],
  ['44b52d02c7e14af6', '1e+23'],
  ['444b1ae4d6e2ef50', '1e+21'],
  ['3eb0c6f7a0b5ed8d', '0.000001'],
  ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
  ['41b3de4355555555', '333333333.3333333'],
  ['becbf647612f3696', '-0.0000033333333333333333'],
  ['43143ff3c1cb0959', '1424953923781206.2'],
])('RFC 8785, Appendix B: %s is %s', (bits, expected) => {
  expect(canonical(Buffer.from(bits, 'hex').readDoubleBE())).toBe(expected)
})

test('what it makes is JSON of the same data', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(JSON.parse(canonical(JSON.parse(text)))).toEqual(withoutMinus(text))
    }),
  )
})

/** JSON knows a negative zero, its canonical form does not. */
function withoutMinus(text: string): unknown {
  return JSON.parse(text, (_key, value) => (Object.is(value, -0) ? 0 : value))
}
