import type { Server } from '../../src/config/profile.ts'

/** Programs that fetch what they run, and the words that make others do so. */
const LAUNCHERS: Readonly<Record<string, readonly string[]>> = {
  npx: [],
  pnpx: [],
  bunx: [],
  uvx: [],
  pnpm: ['dlx'],
  yarn: ['dlx'],
  pipx: ['run'],
  uv: ['tool', 'run'],
}

/** The package a server is fetched as, when no version of it is named: what runs tomorrow may be another one. */
export function unpinnedPackage({ transport }: Server): string | undefined {
  if (transport.kind !== 'stdio') return undefined
  const program = transport.command.replace(/^.*[/\\]|\.(?:cmd|exe)$/g, '')
  const words = Object.hasOwn(LAUNCHERS, program) ? LAUNCHERS[program] : undefined
  if (words === undefined || !words.every((word, at) => transport.args[at] === word)) return undefined
  const name = packageIn(transport.args.slice(words.length))
  return name === undefined || isPinned(name) ? undefined : name
}

/** The first word, unless `--package` or `--from` names it. */
function packageIn(args: readonly string[]): string | undefined {
  const flag = args.findIndex((arg) => /^(?:-p|--package|--from|--spec)$/.test(arg))
  const inline = args.map((arg) => /^--(?:package|from|spec)=(.+)$/.exec(arg)?.[1]).find((found) => found !== undefined)
  if (inline !== undefined) return inline
  return flag >= 0 ? args[flag + 1] : args.find((arg) => !arg.startsWith('-'))
}

/** An exact version, a commit, or a place on this machine. */
function isPinned(name: string): boolean {
  return /.@v?\d+\.\d+\.\d+|==\d|#[\da-f]{7,}|^[./~]/.test(name)
}
