import { access, readdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Memory } from '../../../src/proxy/audience/memory.ts'
import { sealerOf } from '../../../src/proxy/downstream/sealer.ts'
import { Sessions } from '../../../src/proxy/downstream/sessions.ts'
import { createLog } from '../../../src/shared/log.ts'
import { newKey } from '../../helpers/proxy.ts'
import { tempFolder } from '../../helpers/temp.ts'

const facts = { server: undefined, principal: '', version: '2025-11-25', capabilities: {}, clientInfo: {} } as const

test('what nobody has needed for a week goes, also in a proxy that has long been running', async () => {
  await using folder = await tempFolder()
  using sessions = new Sessions({ sealer: sealerOf(newKey()), group: 'g', most: () => 10, ended: () => {} })
  const log = createLog({ level: 'error', fields: {}, write: () => {}, secrets: () => [] })
  const memory = new Memory({ path: folder.path, log, succession: { wished: () => {}, deleted: () => {} } })
  const session = sessions.create(facts)
  await memory.keep(session)
  const [own = ''] = await readdir(folder.path)
  const left = await folder.write({ 'left.json': '{}' })
  const recent = await folder.write({ 'recent.json': '{}' })
  const lastMonth = Date.now() / 1000 - 30 * 24 * 60 * 60
  await utimes(left, lastMonth, lastMonth)
  for (let written = 1; written <= 1000; written++) await memory.keep(session)
  await expect(access(left)).rejects.toMatchObject({ code: 'ENOENT' })
  await access(recent)
  await access(join(folder.path, own))
})
