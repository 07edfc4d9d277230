import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, chown, lchown, mkdir, rename, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { loadProfileSet } from '../../src/config/load.ts'
import { attempt } from '../../src/config/resolve.ts'
import { Trust } from '../../src/config/trust.ts'
import { entryFile } from '../../src/shared/paths.ts'
import { type TempFolder, tempFolder } from '../helpers/temp.ts'
import { oneLine } from './problems.ts'

const isRoot = process.getuid?.() === 0
const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
const stranger = 61_234

const files = {
  'set/mcpctl.yaml': 'servers: { a: { command: a } }\n',
  'set/profiles/dev.yaml': 'groups: { g: { servers: [a] } }\n',
}

type Env = Readonly<Record<string, string>>

async function problems(folder: TempFolder, env: Env = {}): Promise<string[]> {
  const set = await loadProfileSet({ cwd: folder.path, files: [join(folder.path, 'set')], env })
  const options = { env: { PATH: process.env.PATH, ...env }, envFiles: [], portOffset: 0, masked: false }
  return (await attempt(set, 'dev', options)).diagnostics.map((one) => oneLine(one).replaceAll(folder.path, 'TEMP'))
}

async function made(extra: Readonly<Record<string, string>> = {}): Promise<TempFolder> {
  const folder = await tempFolder()
  await folder.write({ ...files, ...extra })
  for (const path of ['set', 'set/profiles']) await chmod(join(folder.path, path), 0o755)
  for (const path of Object.keys({ ...files, ...extra })) await chmod(join(folder.path, path), 0o644)
  return folder
}

interface Spoilt {
  readonly title: string
  readonly spoil: (path: (name: string) => string) => Promise<unknown>
  readonly file: string
  readonly says: string
  readonly root?: boolean
}

const allow = '--allow-insecure-config takes it as it is'
const change = 'and with it what is started'

const spoilt: readonly Spoilt[] = [
  {
    title: 'C-26: a base file that anybody may change is refused',
    spoil: (path) => chmod(path('mcpctl.yaml'), 0o666),
    file: 'set/mcpctl.yaml',
    says: `anybody on this machine may change set/mcpctl.yaml, ${change} (chmod o-w set/mcpctl.yaml; ${allow})`,
  },
  {
    title: 'C-26: a profile that a group of several may change is refused',
    spoil: async (path) => {
      await chown(path('profiles/dev.yaml'), own.uid, stranger)
      await chmod(path('profiles/dev.yaml'), 0o664)
    },
    file: 'set/profiles/dev.yaml',
    says: `everybody of a group (gid ${stranger}) may change set/profiles/dev.yaml, ${change} (chmod g-w set/profiles/dev.yaml; ${allow})`,
    root: true,
  },
  {
    title: 'C-26: a file of another user is refused',
    spoil: (path) => chown(path('mcpctl.yaml'), stranger, stranger),
    file: 'set/mcpctl.yaml',
    says: `another user (uid ${stranger}) may change set/mcpctl.yaml, ${change} (become the owner of set/mcpctl.yaml; ${allow})`,
    root: true,
  },
  {
    title: 'C-26: a folder in which anybody may put another file in its place is refused',
    spoil: (path) => chmod(path('profiles'), 0o777),
    file: 'set/profiles/dev.yaml',
    says: `anybody on this machine may replace set/profiles/dev.yaml, ${change} (chmod o-w TEMP/set/profiles; ${allow})`,
  },
  {
    title: 'C-26: a folder of another user is refused, whatever its mode',
    spoil: (path) => chown(path('profiles'), stranger, stranger),
    file: 'set/profiles/dev.yaml',
    says: `another user (uid ${stranger}) may replace set/profiles/dev.yaml, ${change} (become the owner of TEMP/set/profiles; ${allow})`,
    root: true,
  },
  {
    title: 'C-26: a link into a folder that anybody may change is refused',
    spoil: async (path) => {
      await mkdir(path('elsewhere'))
      await rename(path('profiles/dev.yaml'), path('elsewhere/real.yaml'))
      await symlink('../elsewhere/real.yaml', path('profiles/dev.yaml'))
      await chmod(path('elsewhere'), 0o777)
    },
    file: 'set/profiles/dev.yaml',
    says: `anybody on this machine may replace set/profiles/dev.yaml, ${change} (chmod o-w TEMP/set/elsewhere; ${allow})`,
  },
  {
    title: 'C-26: a lock file that anybody may change is refused: it says which tools are the known ones',
    spoil: (path) => chmod(path('mcpctl.lock'), 0o666),
    file: 'set/mcpctl.lock',
    says: `anybody on this machine may change set/mcpctl.lock, ${change} (chmod o-w set/mcpctl.lock; ${allow})`,
  },
  {
    title: 'C-26: an env file that anybody may change is refused, since commands may hold variables',
    spoil: (path) => chmod(path('.env'), 0o666),
    file: 'set/.env',
    says: `anybody on this machine may change set/.env, ${change} (chmod o-w set/.env; ${allow})`,
  },
]

// Only root can give a file to somebody else.
for (const { title, spoil, file, says, root } of spoilt) {
  test.skipIf(root && !isRoot)(title, async () => {
    await using folder = await made({ 'set/.env': 'A=a\n', 'set/mcpctl.lock': '{ "version": 1, "servers": {} }\n' })
    await spoil((name) => join(folder.path, 'set', name))
    const allowed = { MCPCTL_ALLOW_INSECURE_CONFIG: '1' }
    expect(await problems(folder)).toEqual([`${file}:1:1 insecure_file: ${says}`])
    expect(await problems(folder, allowed)).toEqual([`${file}:1:1 warning insecure_file: ${says}`])
    expect(await problems(folder, { MCPCTL_ALLOW_INSECURE_CONFIG: '0' })).toHaveLength(1)
  })
}

test('C-26: a set that only its owner and root may change is fine', async () => {
  await using folder = await made()
  expect(await problems(folder)).toEqual([])
  await chmod(join(folder.path, 'set/mcpctl.yaml'), 0o600)
  await chmod(join(folder.path, 'set/profiles'), 0o700)
  expect(await problems(folder)).toEqual([])
})

test('C-26: in a sticky folder such as /tmp everybody keeps their own', async () => {
  await using folder = await made()
  await chmod(join(folder.path, 'set'), 0o1777)
  expect(await problems(folder)).toEqual([])
})

test.skipIf(!isRoot)('C-26: a sticky folder of another user is refused: they may replace what is in it', async () => {
  await using folder = await made()
  await chmod(join(folder.path, 'set/profiles'), 0o1755)
  await chown(join(folder.path, 'set/profiles'), stranger, stranger)
  expect(await problems(folder)).toHaveLength(1)
})

test.skipIf(!isRoot)('C-26: a checkout with umask 002 is fine where the group is its owner’s alone', async () => {
  await using folder = await made()
  // What git clone makes for a user with a group of the same number; SUDO_UID says that it is the one who asks.
  for (const path of ['set', 'set/profiles', ...Object.keys(files)]) {
    await chown(join(folder.path, path), stranger, stranger)
    await chmod(join(folder.path, path), path.endsWith('.yaml') ? 0o664 : 0o775)
  }
  expect(await problems(folder, { SUDO_UID: `${stranger}` })).toEqual([])
  expect(await problems(folder, { SUDO_UID: `${stranger + 1}` })).toHaveLength(2)
  await chown(join(folder.path, 'set/profiles/dev.yaml'), stranger, stranger + 1)
  expect(await problems(folder, { SUDO_UID: `${stranger}` })).toHaveLength(1)
})

/** All of a set belongs to somebody else, as a checkout does that is mounted into a container. */
async function foreign(): Promise<TempFolder> {
  const extra = { 'set/.env': 'A=a\n', 'set/mcpctl.lock': '{ "version": 1, "servers": {} }\n' }
  const folder = await made(extra)
  for (const path of ['set', 'set/profiles', ...Object.keys({ ...files, ...extra })])
    await chown(join(folder.path, path), stranger, stranger)
  return folder
}

test.skipIf(!isRoot)('C-26: root takes a project that is another user’s as a whole, with a warning each', async () => {
  await using folder = await foreign()
  const says = (file: string) =>
    `${file}:1:1 warning insecure_file: another user (uid ${stranger}) may change ${file}, ${change} (the project folder is theirs; else become the owner of ${file})`
  const all = ['set/.env', 'set/mcpctl.lock', 'set/mcpctl.yaml', 'set/profiles/dev.yaml']
  expect((await problems(folder)).sort()).toEqual(all.map(says))
  await using mine = await foreign()
  await chown(join(mine.path, 'set/mcpctl.yaml'), 0, 0)
  const replacing = (await problems(mine)).filter((one) => one.startsWith('set/mcpctl.yaml'))
  expect(replacing).toEqual([expect.stringContaining('warning insecure_file: another user')])
})

const intruders: readonly Pick<Spoilt, 'title' | 'spoil' | 'file'>[] = [
  {
    title: 'C-26: in a project of another user root refuses a file of a third one',
    spoil: (path) => chown(path('mcpctl.yaml'), stranger + 1, stranger),
    file: 'set/mcpctl.yaml',
  },
  {
    title: 'C-26: in a project of another user root refuses a folder of a third one',
    spoil: (path) => chown(path('profiles'), stranger + 1, stranger),
    file: 'set/profiles/dev.yaml',
  },
  {
    title: 'C-26: in a project of another user root refuses what anybody may change',
    spoil: (path) => chmod(path('mcpctl.yaml'), 0o666),
    file: 'set/mcpctl.yaml',
  },
  {
    title: 'C-26: in a project of another user root refuses what anybody may replace',
    spoil: (path) => chmod(path('profiles'), 0o777),
    file: 'set/profiles/dev.yaml',
  },
  {
    title: 'C-26: in a project of another user root refuses what a group of several may change',
    spoil: async (path) => {
      await chown(path('mcpctl.yaml'), stranger, stranger + 1)
      await chmod(path('mcpctl.yaml'), 0o664)
    },
    file: 'set/mcpctl.yaml',
  },
  {
    title: 'C-26: in a project of another user root refuses their file in a folder that is not theirs',
    spoil: (path) => chown(path('profiles'), 0, 0),
    file: 'set/profiles/dev.yaml',
  },
  {
    title: 'C-26: in a project of another user root refuses a link into a folder of a third one',
    spoil: async (path) => {
      await mkdir(path('elsewhere'))
      await rename(path('profiles/dev.yaml'), path('elsewhere/real.yaml'))
      await symlink('../elsewhere/real.yaml', path('profiles/dev.yaml'))
      await lchown(path('profiles/dev.yaml'), stranger, stranger)
      await chown(path('elsewhere'), stranger + 1, stranger)
    },
    file: 'set/profiles/dev.yaml',
  },
]

for (const { title, spoil, file } of intruders) {
  test.skipIf(!isRoot)(title, async () => {
    await using folder = await foreign()
    await spoil((name) => join(folder.path, 'set', name))
    const refused = (await problems(folder)).filter((one) => !one.includes('warning'))
    expect(refused).toEqual([expect.stringMatching(new RegExp(`^${file}:1:1 insecure_file: `))])
  })
}

test.skipIf(!isRoot)('C-26: who is not root is refused the files of another user, whoever has the folder', async () => {
  await using folder = await foreign()
  await chmod(folder.path, 0o755)
  const args = [`--reuid=${stranger + 1}`, `--regid=${stranger + 1}`, '--clear-groups', process.execPath]
  const env = { PATH: process.env.PATH, HOME: folder.path }
  const ran = spawnSync('setpriv', [...args, entryFile('cli'), 'config', 'dev', '-f', join(folder.path, 'set')], {
    env,
    encoding: 'utf8',
  })
  expect(ran).toMatchObject({ status: 6, stderr: expect.stringContaining('--allow-insecure-config takes it as it is') })
})

/** Runs a script in a mount namespace of its own; the status says whether this machine lets us. */
function apart(script: string, ...args: readonly string[]) {
  return spawnSync('unshare', [isRoot ? '-m' : '-rm', 'sh', '-ec', script, 'sh', ...args], { encoding: 'utf8' })
}

test.skipIf(apart('true').status !== 0)(
  'C-26: what is mounted read-only nobody can change, whatever its modes',
  async () => {
    await using folder = await made()
    const set = join(folder.path, 'set')
    for (const path of ['set', 'set/profiles', ...Object.keys(files)]) await chmod(join(folder.path, path), 0o777)
    const validate = '"$2" "$3" validate dev -f "$1"'
    const args = [set, process.execPath, entryFile('cli')] as const
    expect(apart(validate, ...args)).toMatchObject({ status: 6 })
    const mounted = apart(`mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"; ${validate}`, ...args)
    expect(mounted).toMatchObject({ status: 0, stdout: 'valid: dev\n' })
  },
)

test('C-26: the command of a secret in a file that others may change is not run', async () => {
  await using folder = await made({
    'set/profiles/dev.yaml':
      'groups: { g: { servers: [b] } }\nservers: { b: { command: b, env: { S: "${secret:s}" } } }\nsecrets: { s: { command: [touch, pwned] } }\n',
  })
  await chmod(join(folder.path, 'set/profiles/dev.yaml'), 0o666)
  expect(await problems(folder)).toHaveLength(1)
  expect(existsSync(join(folder.path, 'set/pwned'))).toBe(false)
  // Allowed, it is run, and then it is the secret that is empty.
  expect(await problems(folder, { MCPCTL_ALLOW_INSECURE_CONFIG: 'true' })).toHaveLength(2)
  expect(existsSync(join(folder.path, 'set/pwned'))).toBe(true)
})

test('C-26: a secret file that others may write is refused: theirs would be the tokens of a group', async () => {
  await using folder = await made({
    'set/profiles/dev.yaml':
      'groups: { g: { servers: [a], auth: { tokens: "${secret:t}" } } }\nsecrets: { t: { file: tokens } }\n',
    'set/tokens': 'Zk3v9QxT1mB8nL5cR7wY2pD4\n',
  })
  await chmod(join(folder.path, 'set/tokens'), 0o622)
  const says = `anybody on this machine may change tokens, ${change} (chmod o-w tokens; ${allow})`
  expect(await problems(folder)).toEqual([`set/profiles/dev.yaml:2:23 insecure_file: secret "t": ${says}`])
  const allowed = await problems(folder, { MCPCTL_ALLOW_INSECURE_CONFIG: '1' })
  expect(allowed).toEqual([`set/profiles/dev.yaml:2:23 warning insecure_file: ${says}`])
  await chmod(join(folder.path, 'set/tokens'), 0o600)
  expect(await problems(folder)).toEqual([])
})

test('C-26: a file is believed exactly if it is the reader’s or root’s and nobody else may write it', async () => {
  await using folder = await made()
  const path = join(folder.path, 'set/mcpctl.yaml')
  const id = fc.constantFrom(0, own.uid, stranger, stranger + 1)
  await fc.assert(
    fc.asyncProperty(id, id, fc.integer({ min: 0, max: 0o777 }), async (uid, gid, mode) => {
      const believed = (uid === 0 || uid === own.uid) && !(mode & 0o002) && (!(mode & 0o020) || uid === gid)
      const problem = await new Trust({}, folder.path).problemOf({ path, shown: 'x', rights: { uid, gid, mode } })
      expect(problem === undefined).toBe(believed)
    }),
  )
})
