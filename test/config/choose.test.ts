import { expect, test } from 'vitest'
import { type ChooseOptions, chooseProfile } from '../../src/config/choose.ts'
import { loadProfileSet, type ProfileSet } from '../../src/config/load.ts'
import { tempFolder } from '../helpers/temp.ts'

async function setOf(profiles: Readonly<Record<string, object>>): Promise<ProfileSet> {
  await using folder = await tempFolder()
  await folder.write({ 'mcpctl.yaml': JSON.stringify({ profiles }) })
  return await loadProfileSet({ cwd: folder.path, files: [], env: {} })
}

const usual = {
  dev: { match: { env: ['dev', 'development'] } },
  prod: { match: { env: ['prod', 'Production'] } },
  ci: { default: true },
}

const none: ChooseOptions = { argument: undefined, env: {}, remembered: undefined }

test.each<readonly [string, Partial<ChooseOptions>, string, string]>([
  ['the argument', { argument: 'prod', env: { MCPCTL_PROFILE: 'dev' } }, 'prod', 'argument'],
  ['MCPCTL_PROFILE', { env: { MCPCTL_PROFILE: 'dev', ENV: 'prod' } }, 'dev', 'MCPCTL_PROFILE'],
  ['a value that names a profile', { env: { ENV: 'ci' }, remembered: 'dev' }, 'ci', 'match'],
  ['a value that matches, in any case', { env: { ENV: 'PRODUCTION' } }, 'prod', 'match'],
  ['NODE_ENV after ENV', { env: { ENV: '/home/me/.shrc', NODE_ENV: 'development' } }, 'dev', 'match'],
  ['APP_ENV after NODE_ENV', { env: { NODE_ENV: 'test', APP_ENV: 'prod' } }, 'prod', 'match'],
  ['what is remembered', { remembered: 'dev' }, 'dev', 'use'],
  ['the default when what is remembered is gone', { remembered: 'gone' }, 'ci', 'default'],
  ['the default', { env: { ENV: '', MCPCTL_PROFILE: '' } }, 'ci', 'default'],
])('%s decides', async (_what, options, name, rule) => {
  expect(chooseProfile(await setOf(usual), { ...none, ...options })).toMatchObject({ name, rule })
})

test('the only profile needs no word', async () => {
  expect(chooseProfile(await setOf({ one: {} }), none)).toEqual({
    name: 'one',
    rule: 'only',
    detail: 'it is the only profile',
  })
})

test('the detail says which variable had which value', async () => {
  expect(chooseProfile(await setOf(usual), { ...none, env: { ENV: 'prod' } }).detail).toBe('$ENV is "prod"')
})

test.each<readonly [string, Partial<ChooseOptions>, string, string]>([
  ['an unknown argument', { argument: 'prd' }, 'there is no profile "prd"', 'did you mean "prod"?'],
  [
    'an unknown MCPCTL_PROFILE',
    { env: { MCPCTL_PROFILE: 'x' } },
    'there is no profile "x" ($MCPCTL_PROFILE is "x")',
    'known: dev, prod',
  ],
  [
    'nothing that decides',
    {},
    'which profile? there are dev, prod',
    'name one, or remember one with `mcpctl use NAME`',
  ],
])('%s is a mistake of usage', async (_what, options, message, hint) => {
  const set = await setOf({ dev: {}, prod: {} })
  expect(() => chooseProfile(set, { ...none, ...options })).toThrow(
    expect.objectContaining({ code: 'usage', message, hint }),
  )
})
