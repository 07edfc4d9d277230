import { expect, test } from 'vitest'
import { Parses } from '../../src/config/parses.ts'
import { sourceOf } from '../../src/config/source.ts'

test('a text that was looked at is not parsed again by who reads it', () => {
  const parses = new Parses()
  parses.parse(sourceOf('/project/a.yaml', 'a: 0', '/project'))
  expect(parses.isSound('/project/a.yaml', 'a: 1')).toBe(true)
  const first = parses.parse(sourceOf('/project/a.yaml', 'a: 1', '/project'))
  expect(parses.parse(sourceOf('/project/a.yaml', 'a: 1', '/project'))).toBe(first)
  expect(first.root?.at.source.shown).toBe('a.yaml')
})

test('another text, another file and another name of it are parsed for themselves', () => {
  const parses = new Parses()
  const one = parses.parse(sourceOf('/project/a.yaml', 'a: 1', '/project'))
  expect(parses.parse(sourceOf('/project/b.yaml', 'a: 1', '/project'))).not.toBe(one)
  expect(parses.parse(sourceOf('/project/a.yaml', 'a: 1', '/elsewhere')).root?.at.source.shown).toBe('/project/a.yaml')
  expect(parses.isSound('/project/a.yaml', 'a: [')).toBe(false)
})
