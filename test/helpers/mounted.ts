import { execFileSync } from 'node:child_process'

/** Whether this process may mount file systems, which takes root. */
export function canMount(): boolean {
  return process.getuid?.() === 0 && process.platform === 'linux' && tries('unshare', ['--mount', 'true'])
}

/** A small file system of its own in this folder, until it is disposed. */
export function mounted(folder: string, size: string): Disposable {
  run('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'none', folder])
  return { [Symbol.dispose]: () => run('umount', ['--lazy', folder]) }
}

/** The folder can be read only, until it is disposed; what is open stays so. */
export function readOnly(folder: string): Disposable {
  run('mount', ['--bind', folder, folder])
  run('mount', ['-o', 'remount,bind,ro', folder])
  return { [Symbol.dispose]: () => run('umount', ['--lazy', folder]) }
}

function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, { stdio: 'ignore' })
}

function tries(command: string, args: readonly string[]): boolean {
  try {
    run(command, args)
    return true
  } catch {
    // There is no such program, or it may not.
    return false
  }
}
