import { execa } from 'execa'
import { expect, test } from 'vitest'
import { packageFolder } from '../src/shared/paths.ts'

test('the table of cases is what the titles of the tests say', async () => {
  const args = ['scripts/reliability.mjs', '--check']
  const { exitCode, stderr } = await execa('node', args, { cwd: packageFolder(), reject: false })
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
})
