import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { glob } from 'tinyglobby'
import { expect, test } from 'vitest'
import { searchOf } from '../../src/config/include.ts'
import { tempFolder } from '../helpers/temp.ts'

async function tree(folder: string): Promise<void> {
  await mkdir(join(folder, 'profiles (old)'), { recursive: true })
  await mkdir(join(folder, 'profiles', 'folder.yaml'), { recursive: true })
  for (const name of ['b.yaml', 'a.yaml', 'c.yml', 'd.yaml.bak', '.hidden.yaml', 'deep.er.yaml'])
    await writeFile(join(folder, 'profiles', name), 'version: 1\n')
  await writeFile(join(folder, 'profiles (old)', 'a.yaml'), 'version: 1\n')
  await symlink('a.yaml', join(folder, 'profiles', 'link.yaml'))
  await symlink('nowhere', join(folder, 'profiles', 'broken.yaml'))
  await symlink('folder.yaml', join(folder, 'profiles', 'folder-link.yaml'))
}

test.each([
  'profiles/*.yaml',
  './profiles/*.yaml',
  'profiles/../profiles/*.yml',
  'profiles/*.er.yaml',
  'profiles/*',
  'profiles/{a,b}.yaml',
  'profi*/?.yaml',
  '**/*.yaml',
  'profiles/.*.yaml',
  'nowhere/*.yaml',
])('%s finds what it matches and nothing else', async (pattern) => {
  await using temp = await tempFolder()
  await tree(temp.path)
  const search = await searchOf(temp.path, pattern)
  const found = (await search?.find())?.map((path) => relative(temp.path, path)).sort()
  const expected = await glob(pattern, { cwd: temp.path, absolute: true, expandDirectories: false })
  expect(found).toEqual(expected.map((path) => relative(temp.path, path)).sort())
})

test.each([
  ['profiles/*.yaml', 'profiles'],
  ['../*.yaml', '..'],
  ['profiles/**/x-*.yaml', 'profiles'],
  ['*.yaml', ''],
])('what %s may match is under "%s"', async (pattern, folder) => {
  expect((await searchOf('/project/here', pattern))?.folder).toBe(join('/project/here', folder))
})

test.each(['profiles/prod.yaml', '../shared.yaml', 'a+b.yaml', 'x@1.yaml'])('%s is one file', async (path) => {
  expect(await searchOf('/project', path)).toBeUndefined()
})
