import { expect, test } from 'vitest'
import { tempFolder } from '../helpers/temp.ts'
import { bench } from './bench.ts'

test('is not far behind a proxy that does nothing but parse, rename and forward', async () => {
  await using temp = await tempFolder()
  const { stdout, stderr, exitCode } = await bench(['--gate', '--json', '-'], temp.path)
  expect(exitCode, `${stderr}\n${stdout}`).toBe(0)
}, 120_000)
