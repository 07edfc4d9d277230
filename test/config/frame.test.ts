import { expect, test } from 'vitest'
import { diagnose, sourceOf } from '../../src/config/source.ts'

test.each([
  { what: 'the first character', text: 'a: 1\n', start: 0, end: 1, frame: ['> 1 | a: 1', '    | ^', '  2 |'] },
  {
    what: 'a value behind a tab and beside empty lines',
    text: 'a: 1\n\nb:\t"x"\n\n',
    start: 9,
    end: 12,
    frame: ['  1 | a: 1', '  2 |', '> 3 | b:\t"x"', '    |   \t^^^', '  4 |'],
  },
  {
    what: 'a range over several lines, up to the end of the first',
    text: 'a: 1\nb: [\n]\n',
    start: 8,
    end: 11,
    frame: ['  1 | a: 1', '> 2 | b: [', '    |    ^', '  3 | ]'],
  },
  {
    what: 'a line whose number is longer than the one before',
    text: `${'\n'.repeat(8)}a: 1\nb: 2\n`,
    start: 13,
    end: 14,
    frame: ['   8 |', '   9 | a: 1', '> 10 | b: 2', '     | ^', '  11 |'],
  },
])('the frame of $what marks it', ({ text, start, end, frame }) => {
  const source = sourceOf('/project/mcpctl.yaml', text, '/project')
  expect(diagnose({ source, start, end }, { code: 'bad', message: 'bad' }).frame.split('\n')).toEqual(frame)
})
