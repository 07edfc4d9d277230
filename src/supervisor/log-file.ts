import { closeSync, existsSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from '../shared/folder.ts'

const MAX_BYTES = 10 * 1024 * 1024
const KEPT = 3

/**
 * The newest lines in `mcpctl.log`, older ones in `mcpctl.1.log` and so on: bounded, and readable by the owner only.
 * Written at once, since the lines just before an end are the ones that are looked for.
 */
export class LogFile implements Disposable {
  readonly #folder: string
  #fd: number
  #bytes: number

  constructor(folder: string) {
    this.#folder = folder
    this.#fd = this.#open()
    this.#bytes = fstatSync(this.#fd).size
  }

  /** Goes on in the folder as it is now: it may have been deleted. */
  reopen(): void {
    const fresh = this.#open()
    closeSync(this.#fd)
    this.#fd = fresh
    this.#bytes = fstatSync(fresh).size
  }

  /** Throws what the file system says: a full disk, a folder that is gone. */
  append(line: string): void {
    if (this.#bytes >= MAX_BYTES) this.#roll()
    this.#bytes += writeSync(this.#fd, line)
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd)
  }

  #roll(): void {
    for (let age = KEPT - 1; age >= 0; age--)
      if (existsSync(this.#path(age))) renameSync(this.#path(age), this.#path(age + 1))
    this.reopen()
  }

  #open(): number {
    makeFolder(this.#folder)
    return openSync(this.#path(0), 'a', 0o600)
  }

  #path(age: number): string {
    return join(this.#folder, age === 0 ? 'mcpctl.log' : `mcpctl.${age}.log`)
  }
}
